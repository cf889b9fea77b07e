/** Control frames of clients and server. See docs/protocols/channels-websocket.md. */
import { z } from 'zod';
import { parseInput } from '../../http/parse.js';
import { Problem, problemMembers } from '../../http/problem.js';
import { problemOf } from '../../http/problem-of.js';

/** Bytes of entries that the server may send before the client grants more credit. */
const CREDIT = 1024 * 1024;

const ch = z.number().int().min(0).max(0xffff_ffff);
const index = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const clientFrame = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('open'),
    ch,
    process: z.string().min(1).max(128),
    channel: z.string().min(1).max(64),
    assignment: z.string().optional(),
    read: z.boolean().default(true),
    after: index.default(0),
    credit: index.default(CREDIT),
  }),
  z.strictObject({ op: z.literal('credit'), ch, bytes: index.min(1) }),
  z.strictObject({ op: z.literal('read'), ch, after: index }),
  z.strictObject({ op: z.literal('close'), ch }),
  z.strictObject({ op: z.literal('ping') }),
]);

/** A control frame of a client. */
export type ClientFrame = z.output<typeof clientFrame>;
/** A frame that opens a channel. */
export type OpenFrame = Extract<ClientFrame, { op: 'open' }>;

/** What an error refers to; empty if the frame could not be parsed. */
export interface About {
  readonly ch?: number;
  /** The `op` of the client, `append`, or `reading` for a reading in progress. */
  readonly of?: string;
  /** The sequence of the first message of an append. */
  readonly sequence?: number;
}

/** Maximum control frame, because it is parsed in one turn of the event loop. */
const MAX_CONTROL_BYTES = 64 * 1024;

/** Parses a control frame, and what an error about it refers to. */
export function readControl(frame: Buffer): { readonly about: About; readonly parse: () => ClientFrame } {
  let given: unknown;
  if (frame.length > MAX_CONTROL_BYTES) {
    const parse = (): never => {
      throw new Problem('message_too_large', `a control frame has at most ${MAX_CONTROL_BYTES} bytes`, {
        limit: MAX_CONTROL_BYTES,
        hint: 'send messages as binary frames',
      });
    };
    return { about: {}, parse };
  }
  try {
    given = JSON.parse(frame.toString('utf8'));
  } catch {
    const parse = (): never => {
      throw new Problem('invalid_json', 'the text frame is not JSON', {
        hint: 'send control frames as JSON text, and messages as binary frames',
      });
    };
    return { about: {}, parse };
  }
  return { about: aboutOf(given), parse: () => parseInput(clientFrame, given) };
}

function aboutOf(given: unknown): About {
  if (typeof given !== 'object' || given === null) return {};
  const named = 'ch' in given ? ch.safeParse(given.ch) : { success: false as const };
  return {
    ...(named.success && { ch: named.data }),
    ...('op' in given && typeof given.op === 'string' && { of: given.op }),
  };
}

/** An `error` frame: a problem, and what it refers to. */
export interface ErrorFrame extends About {
  readonly op: 'error';
  readonly code: string;
  readonly detail: string;
  readonly [member: string]: unknown;
}

/** The frame that reports an error. */
export function errorFrame(about: About, error: unknown): ErrorFrame {
  const problem = problemOf(error);
  return { op: 'error', ...about, code: problem.code, detail: problem.message, ...problemMembers(problem) };
}

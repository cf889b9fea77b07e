/** What clients and server say beside messages. See docs/protocols/channels-websocket.md. */
import { z } from 'zod';
import { parseInput } from '../../http/parse.js';
import { Problem, problemMembers } from '../../http/problem.js';
import { problemOf } from '../../http/problem-of.js';

/** Bytes of entries that may come before a client says more. */
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
/** One that opens a channel. */
export type OpenFrame = Extract<ClientFrame, { op: 'open' }>;

/** What a failure is about; nothing where a frame could not be read. */
export interface About {
  readonly ch?: number;
  /** The client's `op`, `append`, or `reading` for one that went on until now. */
  readonly of?: string;
  /** Of the first message of an append. */
  readonly sequence?: number;
}

/** A control frame is parsed in one turn of the event loop. */
const MAX_CONTROL_BYTES = 64 * 1024;

/** A control frame from its text, with what a failure is about. */
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

/** An `error` frame: a problem, and what it is about. */
export interface ErrorFrame extends About {
  readonly op: 'error';
  readonly code: string;
  readonly detail: string;
  readonly [member: string]: unknown;
}

/** The frame that tells a failure. */
export function errorFrame(about: About, error: unknown): ErrorFrame {
  const problem = problemOf(error);
  return { op: 'error', ...about, code: problem.code, detail: problem.message, ...problemMembers(problem) };
}

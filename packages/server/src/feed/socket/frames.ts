/** Frames of clients, and error frames. See docs/feed.md. */
import { z } from 'zod';
import { parseInput } from '../../http/parse.js';
import { Problem, problemMembers } from '../../http/problem.js';
import { problemOf } from '../../http/problem-of.js';
import { streamName } from '../feed-stream.js';
import { extendInput, idsInput, nackInput, pullInput } from '../group-input.js';

const sub = z.string().min(1).max(64);
/** The members of every group call; `id` identifies the answer. */
const call = { id: z.string().min(1).max(64), group: z.string().min(1).max(64) };

const clientFrame = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('subscribe'),
    sub,
    project: z.string().optional(),
    stream: streamName.default('events'),
    event: z.array(z.string()).min(1).max(100).optional(),
    after: z.string().min(1).default('latest'),
  }),
  z.strictObject({ op: z.literal('unsubscribe'), sub }),
  pullInput.extend({ op: z.literal('pull'), ...call }),
  idsInput.extend({ op: z.literal('ack'), ...call }),
  extendInput.extend({ op: z.literal('extend'), ...call }),
  idsInput.extend({ op: z.literal('release'), ...call }),
  nackInput.extend({ op: z.literal('nack'), ...call }),
  z.strictObject({ op: z.literal('ping') }),
]);

/** A frame of a client. */
export type ClientFrame = z.output<typeof clientFrame>;
/** A frame that starts a subscription. */
export type SubscribeFrame = Extract<ClientFrame, { op: 'subscribe' }>;
/** A frame that calls a group. */
export type GroupFrame = Extract<ClientFrame, { group: string }>;

/** The subscription or call that a frame refers to; neither if the frame could not be parsed. */
export type About = { readonly sub: string } | { readonly id: string } | Record<never, never>;

/** Parses a frame, and what an error about it refers to. */
export function readFrame(text: string): { readonly about: About; readonly parse: () => ClientFrame } {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    const parse = (): never => {
      throw new Problem('invalid_json', 'the frame is not JSON');
    };
    return { about: {}, parse };
  }
  return { about: aboutOf(given), parse: () => parseInput(clientFrame, given) };
}

function aboutOf(given: unknown): About {
  if (typeof given !== 'object' || given === null) return {};
  if ('id' in given && typeof given.id === 'string') return { id: given.id };
  return 'sub' in given && typeof given.sub === 'string' ? { sub: given.sub } : {};
}

/** An `error` frame. */
export function errorFrame(about: About, error: unknown): object {
  const problem = problemOf(error);
  return { op: 'error', ...about, code: problem.code, detail: problem.message, ...problemMembers(problem) };
}

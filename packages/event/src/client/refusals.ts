import { ConsumeError } from '../consume-error.js';
import type { HelloAck, Message } from '../protocol/index.js';

type Refusal = Extract<HelloAck, { ok: false }>;
type Bye = Extract<Message, { type: 'bye' }>;

const KINDS = {
  secret: 'internal',
  version: 'usage',
  single_consumer: 'usage',
  pre_consume_failed: 'failed',
  handover: 'internal',
  shutdown: 'failed',
  invalid: 'usage',
  not_now: 'failed',
} as const;

const CODES: Partial<Record<Refusal['code'], string>> = {
  version: 'bus_version',
  secret: 'bus_secret',
  shutdown: 'bus_stopped',
};

/** Why the bus takes no such consumer, as an error. */
export function refusalError({ code, message, hint }: Refusal): ConsumeError {
  return new ConsumeError(KINDS[code], CODES[code] ?? code, message, { hint });
}

/** Why the bus serves a consumer no more; undefined where another bus takes its place. */
export function byeError({ reason, message, error }: Bye): ConsumeError | undefined {
  if (error !== undefined) {
    const { kind, code, hint, param } = error;
    return new ConsumeError(kind, code, message ?? 'the source cannot be followed any more', {
      ...(hint === undefined ? {} : { hint }),
      ...(param === undefined ? {} : { param }),
    });
  }
  if (reason === 'slow') {
    return new ConsumeError('failed', 'too_slow', message ?? 'this consumer is too slow', {
      hint: 'Give --on-slow replay or drop-oldest, or --group.',
      param: 'on-slow',
    });
  }
  if (reason === 'shutdown') {
    return new ConsumeError('failed', 'bus_stopped', message ?? 'the bus was stopped', {
      hint: 'Somebody ran "weir event stop --force"; consume again to start another.',
    });
  }
  if (reason === 'handover' || reason === 'idle') return undefined;
  return new ConsumeError('internal', 'bus_failed', message ?? `the bus says ${reason}`);
}

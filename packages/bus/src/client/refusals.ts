import { ConsumeError } from '@weir/event/source';
import type { HelloAck, Message } from '../protocol/index.js';

type Refusal = Extract<HelloAck, { ok: false }>;
type Bye = Extract<Message, { type: 'bye' }>;

const KINDS = {
  secret: 'internal',
  version: 'usage',
  single_consumer: 'usage',
  consumer_too_slow: 'failed',
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

const TOO_SLOW = { hint: 'Give --on-slow replay or drop-oldest, or --group.', param: 'on-slow' };

/** Converts a refused hello into an error. */
export function refusalError({ code, message, hint }: Refusal): ConsumeError {
  if (code === 'consumer_too_slow') return new ConsumeError('failed', code, message, TOO_SLOW);
  return new ConsumeError(KINDS[code], CODES[code] ?? code, message, { hint });
}

/** Converts the bus's `bye` into an error; undefined if the consumer should join another bus. */
export function byeError({ reason, message, error }: Bye): ConsumeError | undefined {
  if (error !== undefined) {
    const { kind, code, hint, param } = error;
    return new ConsumeError(kind, code, message ?? 'the source cannot be followed any more', {
      hint,
      param,
    });
  }
  if (reason === 'slow') {
    return new ConsumeError('failed', 'consumer_too_slow', message ?? 'this consumer is too slow', TOO_SLOW);
  }
  if (reason === 'shutdown') {
    return new ConsumeError('failed', 'bus_stopped', message ?? 'the bus was stopped', {
      hint: '"weir event stop --force" stopped it; consume again to start another.',
    });
  }
  if (reason === 'handover' || reason === 'idle') return undefined;
  return new ConsumeError('internal', 'bus_failed', message ?? `the bus closed the connection: ${reason}`);
}

import { WeirError } from '@weir/base';
import type { JsonValue } from '@weir/event';
import type { PreparedConsume } from '@weir/event/consume';
import { warnLine } from '@weir/event/consume';
import { ConsumeError } from '@weir/event/source';
import type { BusConnection } from './bus-connection.js';

/** How long the bus may take to report whether this consumer is the last. */
const LAST_MS = 5_000;

/**
 * Runs `preConsume` for the subscription and sends its result to the bus. After `hookMs` it sends nothing and throws:
 * when the connection closes, the bus runs cleanup for anything that the hook may still create.
 *
 * @throws ConsumeError `pre_consume`
 */
export async function setUp(
  { key, api, params }: PreparedConsume,
  bus: BusConnection,
  hookMs: number,
): Promise<void> {
  try {
    const made = (await within(hookMs, key.preConsume?.(api, params))) ?? {};
    const state = made.state === undefined ? {} : { state: made.state };
    bus.send({ type: 'ack', of: 'pre_consume', ...state });
  } catch (cause) {
    const reason = reasonOf(cause);
    if (cause instanceof WeirError && cause.code === 'too_long') {
      throw new ConsumeError('failed', 'pre_consume', `\`${key.key}\` could not be set up: ${reason}`, {
        hint: 'The bus runs cleanup for anything that preConsume created.',
      });
    }
    bus.send({ type: 'ack', of: 'pre_consume', error: reason });
    if (cause instanceof ConsumeError) throw cause;
    throw new ConsumeError('failed', 'pre_consume', `\`${key.key}\` could not be set up: ${reason}`, {
      hint: 'Its preConsume hook failed, so cleanup is not needed.',
      cause,
    });
  }
}

/**
 * Runs `cleanup` if this consumer is the last of its subscription. After `hookMs` the cleanup counts as failed. Never
 * rejects.
 */
export async function takeDown(
  { key, api, params }: PreparedConsume,
  bus: BusConnection,
  { report, hookMs }: { readonly report: (line: string) => void; readonly hookMs: number },
): Promise<void> {
  bus.send({ type: 'pre_shutdown_check' });
  const last = await answerOf(bus);
  if (last === undefined || !last.isLast) return;
  try {
    await within(hookMs, key.cleanup?.(api, params, last.state));
    bus.send({ type: 'ack', of: 'cleanup' });
    report('[event] cleanup done.');
  } catch (error) {
    const reason = reasonOf(error);
    bus.send({ type: 'ack', of: 'cleanup', error: reason });
    report(warnLine(`cleanup failed: ${reason}. The bus retries it later; cleanup is safe to repeat.`));
  }
}

async function answerOf(
  bus: BusConnection,
): Promise<{ readonly isLast: boolean; readonly state: JsonValue | undefined } | undefined> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LAST_MS);
  try {
    for (;;) {
      const message = await bus.receiveOne(controller.signal);
      if (message === undefined) return undefined;
      if (message.type === 'pre_shutdown_ack') return { isLast: message.last, state: message.state };
    }
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function within<T>(ms: number, work: Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WeirError('too_long', `it took longer than ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

import { warnLine } from '../consume/contract.js';
import type { PreparedConsume } from '../consume/prepare.js';
import { ConsumeError } from '../consume-error.js';
import type { JsonValue } from '../json.js';
import type { BusConnection } from './bus-connection.js';

/** How long the bus may take to say whether somebody is the last. */
const LAST_MS = 5_000;

/**
 * Runs `preConsume` for the subscription and tells the bus what came of it.
 *
 * @throws ConsumeError `pre_consume`
 */
export async function setUp({ key, api, params }: PreparedConsume, bus: BusConnection): Promise<void> {
  try {
    const made = (await key.preConsume?.(api, params)) ?? {};
    const state = made.state === undefined ? {} : { state: made.state };
    bus.send({ type: 'ack', of: 'pre_consume', ...state });
  } catch (cause) {
    const reason = reasonOf(cause);
    bus.send({ type: 'ack', of: 'pre_consume', error: reason });
    if (cause instanceof ConsumeError) throw cause;
    throw new ConsumeError(
      'failed',
      'pre_consume',
      `\`${key.key}\` could not be set up: ${reason}`,
      { hint: 'Its preConsume failed; nothing was left behind.' },
      { cause },
    );
  }
}

/** Asks whether this consumer is the last of its subscription, and runs `cleanup` if it is. Never rejects. */
export async function takeDown(
  { key, api, params }: PreparedConsume,
  bus: BusConnection,
  tell: (line: string) => void,
): Promise<void> {
  bus.send({ type: 'pre_shutdown_check' });
  const last = await answerOf(bus);
  if (last === undefined || !last.isLast) return;
  try {
    await key.cleanup?.(api, params, last.state);
    bus.send({ type: 'ack', of: 'cleanup' });
    tell('[event] cleanup done.');
  } catch (error) {
    const reason = reasonOf(error);
    bus.send({ type: 'ack', of: 'cleanup', error: reason });
    tell(warnLine(`cleanup failed: ${reason}. It is tried again later; repeating it is safe.`));
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

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

import { LogError } from '@weir/log';
import { ChannelError } from './channel-error.js';
import type { NewMessage } from './message.js';

/**
 * Appends of one sender to one channel that are sent without waiting for answers. After a temporary refusal, all later
 * messages are refused until the first one is sent again. Otherwise a later sequence would be stored first, and the
 * refused message could never be stored, because sequences only grow.
 */
export class Pipeline {
  #refused: number | null = null;
  /** The highest sequence known to be stored. */
  #stored = -1;

  /** @throws ChannelError `earlier_refused` for messages after one that was refused and has not been sent again */
  enter(messages: readonly NewMessage[]): void {
    const refused = this.#refused;
    const [first, last] = [messages[0]?.sequence ?? 0, messages.at(-1)?.sequence ?? 0];
    if (refused === null || last < refused) return;
    if (first > refused) {
      throw new ChannelError(
        'earlier_refused',
        `sequence ${refused} was refused, and comes before ${first}`,
        {
          hint: `send sequence ${refused} again, then this one`,
        },
      );
    }
    this.#refused = null;
  }

  /** Records that messages are durable. */
  stored(messages: readonly NewMessage[]): void {
    this.#stored = Math.max(this.#stored, messages.at(-1)?.sequence ?? -1);
    if (this.#refused !== null && this.#refused <= this.#stored) this.#refused = null;
  }

  /**
   * Records that messages were refused. A final refusal does not block later messages, because the sender does not send
   * the message again.
   */
  refuse(messages: readonly NewMessage[], error: unknown): void {
    if (!isForAWhile(error)) return;
    const first = messages[0]?.sequence ?? 0;
    // A refused duplicate of a stored message blocks no later message: its sender need not send it again.
    if (first <= this.#stored) return;
    this.#refused = Math.min(this.#refused ?? first, first);
  }
}

const FOR_A_WHILE: ReadonlySet<string> = new Set(['log_full', 'project_quota', 'draining']);

function isForAWhile(error: unknown): boolean {
  if (error instanceof LogError) return FOR_A_WHILE.has(error.code);
  return error instanceof ChannelError && error.retryable && error.code !== 'earlier_refused';
}

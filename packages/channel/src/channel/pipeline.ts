import { LogError } from '@weir/log';
import { ChannelError } from './channel-error.js';
import type { NewMessage } from './message.js';

/**
 * Appends of one sender to one channel that do not wait for one another's answers. Once one is refused for a while, those
 * behind it are refused too until it is sent again: else they would be stored before it, and it could be no more, as
 * sequences only grow.
 */
export class Pipeline {
  #refused: number | null = null;
  /** The last sequence it has seen stored. */
  #stored = -1;

  /** @throws ChannelError `earlier_refused` for messages behind one that was refused and has not been sent again */
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

  /** Messages are on disk. */
  stored(messages: readonly NewMessage[]): void {
    this.#stored = Math.max(this.#stored, messages.at(-1)?.sequence ?? -1);
    if (this.#refused !== null && this.#refused <= this.#stored) this.#refused = null;
  }

  /** Messages were refused: what the sender is told is final holds up nobody, as it will not send that again. */
  refuse(messages: readonly NewMessage[], error: unknown): void {
    if (!isForAWhile(error)) return;
    const first = messages[0]?.sequence ?? 0;
    // A copy of what is stored holds up nobody: its sender has no need to send it again.
    if (first <= this.#stored) return;
    this.#refused = Math.min(this.#refused ?? first, first);
  }
}

const FOR_A_WHILE: ReadonlySet<string> = new Set(['log_full', 'project_quota', 'draining']);

function isForAWhile(error: unknown): boolean {
  if (error instanceof LogError) return FOR_A_WHILE.has(error.code);
  return error instanceof ChannelError && error.retryable && error.code !== 'earlier_refused';
}

import type { Consumer } from './consumer.js';

/** What brings a consumer its events. */
export interface Reader {
  readonly consumer: Consumer;
  start(): void;
  /** The connection takes more. */
  freed(): void;
  /** Tells the consumer how its source is. */
  tell(): void;
  /** How many events wait for it, or are out with it when it is of a group. */
  readonly queued: number;
  /** Brings no more. */
  stop(): void;
  /** Stops, and gives back what was lent. */
  close(): Promise<void>;
}

import type { Consumer } from './consumer.js';

/**
 * How a consumer and its bus part. It `left`, or was ended: what it has not answered was never tried. It `moves` to the
 * next bus with what it has, and answers there. It `died`: any of what it had may have killed it.
 */
export type Parting = 'left' | 'moves' | 'died';

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
  /** Stops, and gives back what was lent as the parting wants it. */
  close(parting: Parting): Promise<void>;
}

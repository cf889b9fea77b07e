import type { Consumer } from './consumer.js';

/**
 * How a consumer disconnects, which decides about its unacknowledged deliveries. `left`: the consumer ended normally or
 * the bus ended it; release deliveries without counting an attempt. `moves`: the consumer joins the next bus and keeps
 * its deliveries. `died`: any delivery that has begun may have killed it, so it counts as a failed attempt.
 */
export type Parting = 'left' | 'moves' | 'died';

/** Delivers events to one consumer. */
export interface Reader {
  readonly consumer: Consumer;
  start(): void;
  /** The connection has drained. */
  freed(): void;
  /** Sends the state of the source to the consumer. */
  reportStatus(): void;
  /** Number of queued events, or of unacknowledged deliveries for a group member. */
  readonly queued: number;
  /** Stops delivering. */
  stop(): void;
  /** Stops, and releases or fails the unacknowledged deliveries according to `parting`. */
  close(parting: Parting): Promise<void>;
}

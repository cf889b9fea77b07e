import type { ExitReason } from '../consume/outcome.js';
import type { RawEvent } from '../raw-event.js';

/** One event for a consumer. */
export interface StreamedEvent {
  readonly event: RawEvent;
  /** Source position after this event; absent for sources without offsets. */
  readonly cursor?: string;
  /**
   * Asks for permission to handle the event now; false if its delivery was revoked and it will be redelivered. If
   * absent, no permission is needed.
   */
  begin?(signal: AbortSignal): Promise<boolean>;
  /** Acknowledges the event; absent if the source needs no acknowledgement. */
  ack?(): Promise<void>;
  /** Reports a failure and requests redelivery; absent if the source cannot redeliver. */
  fail?(): Promise<void>;
}

/**
 * `connecting` first; `connected` once every new event is guaranteed to be received; then per interruption
 * `disconnected` and `reconnecting`.
 */
export type StreamState = 'connecting' | 'connected' | 'disconnected' | 'reconnecting';

/** Events that a stream could not deliver. */
export interface StreamGap {
  /** Number of events; absent if unknown. */
  readonly missed?: number;
  /** Description of the cause. */
  readonly message: string;
}

/** Callbacks of a stream besides its events. */
export interface StreamWatcher {
  /** The state has changed; `reason` explains why the stream is not connected. */
  onState(state: StreamState, reason?: string): void;
  /** Events were lost; the stream continues after them. */
  onGap(gap: StreamGap): void;
  /** Every event up to this cursor was delivered or filtered out. Called in addition to the cursors of events. */
  onPosition?(cursor: string): void;
}

/** A stream of events: from the server's feed, another source, or the bus. */
export interface EventStream {
  /**
   * Delivers each event once and in order, starting at the stream's start position, and reconnects after every
   * interruption. Ends when `signal` aborts.
   *
   * @throws ConsumeError on a permanent failure.
   */
  follow(watcher: StreamWatcher, signal: AbortSignal): AsyncIterable<StreamedEvent>;
  /** Called last, when no event is in progress: flushes acknowledgements and reports the reason. */
  end?(reason: ExitReason): Promise<void>;
}

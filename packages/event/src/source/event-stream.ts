import type { ExitReason } from '../consume/outcome.js';
import type { RawEvent } from '../raw-event.js';

/** One event on its way to a consumer. */
export interface StreamedEvent {
  readonly event: RawEvent;
  /** Where the source goes on after this event; absent for sources without offsets. */
  readonly cursor?: string;
  /**
   * Asks whether the event may be handled now; false when it was taken back, and comes again where it is needed. Absent
   * where it may be in any case.
   */
  begin?(signal: AbortSignal): Promise<boolean>;
  /** Says that the event is done with; absent where nothing waits for that. */
  ack?(): Promise<void>;
  /** Says that the event could not be handled and should come again; absent where it cannot. */
  fail?(): Promise<void>;
}

/** `connecting` at first, `connected` once every event from then on is certain to come, and so on. */
export type StreamState = 'connecting' | 'connected' | 'disconnected' | 'reconnecting';

/** Events that a stream could not deliver. */
export interface StreamGap {
  /** How many; absent when nobody knows. */
  readonly missed?: number;
  /** What happened, as a sentence. */
  readonly message: string;
}

/** What a stream tells besides its events. */
export interface StreamWatcher {
  /** The stream has another state; `reason` says why it is not connected. */
  onState(state: StreamState, reason?: string): void;
  /** Events are gone; the stream goes on after them. */
  onGap(gap: StreamGap): void;
  /** Everything up to this cursor was delivered, or was not wanted. Told besides the cursors of events. */
  onPosition?(cursor: string): void;
}

/** Where a consumer's events come from: the server's feed, or a daemon that many consumers share. */
export interface EventStream {
  /**
   * Follows the source from where the stream was told to begin, each event once, in order, through every interruption.
   * It ends when `signal` aborts.
   *
   * @throws ConsumeError when the source cannot be followed any more.
   */
  follow(watcher: StreamWatcher, signal: AbortSignal): AsyncIterable<StreamedEvent>;
  /** Called last, once nothing is worked on any more: what was acknowledged is, and whoever has to know learns why. */
  end?(reason: ExitReason): Promise<void>;
}

import { defined } from '@weir/base';
import type { RawEvent } from '@weir/event';
import { isJsonObject } from '@weir/event';
import type { StreamState } from '@weir/event/source';
import type { SourceStatus } from '../protocol/status.js';

/** A source that has been quiet for this long has no backlog. */
const QUIET_MS = 1_000;

/** Options of {@link SourceFacts}. */
export interface SourceFactsOptions {
  /** Initial state. Default `connecting`. */
  readonly state?: StreamState;
  /**
   * True if the bus reads new events immediately; default: always. Otherwise silence does not prove that there is no
   * backlog.
   */
  readonly isWaiting?: () => boolean;
  /** Clock, Unix milliseconds. */
  readonly now?: () => number;
}

/** State, last event and lag of one source connection, for status messages. */
export class SourceFacts {
  readonly #name: string;
  readonly #isWaiting: () => boolean;
  readonly #now: () => number;
  #state: StreamState;
  #reason: string | undefined;
  #last: { readonly event: RawEvent; readonly at: number } | undefined;

  constructor(name: string, o: SourceFactsOptions = {}) {
    this.#state = o.state ?? 'connecting';
    this.#name = name;
    this.#isWaiting = o.isWaiting ?? (() => true);
    this.#now = o.now ?? Date.now;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Changes the state; returns true if it differs. `connecting` is ignored, because a reconnect reports `reconnecting`. */
  moveTo(state: StreamState, reason?: string): boolean {
    if (state === 'connecting' || (state === this.#state && reason === this.#reason)) return false;
    this.#state = state;
    this.#reason = state === 'connected' ? undefined : reason;
    return true;
  }

  saw(event: RawEvent): void {
    this.#last = { event, at: this.#now() };
  }

  /**
   * Fields of a status message. The lag is that of the last event on arrival. It is 0 once a connected source has been
   * quiet for a while, because a backlog would have arrived.
   */
  get json(): Omit<SourceStatus, 'type'> {
    const isQuiet = this.#last !== undefined && this.#now() - this.#last.at >= QUIET_MS;
    const hasAll = isQuiet && this.#state === 'connected' && this.#isWaiting();
    const lag = hasAll ? 0 : this.#last && lagOf(this.#last);
    return {
      source: this.#name,
      state: this.#state,
      ...(this.#last === undefined ? {} : { last_event_time: this.#last.event.timestamp }),
      ...defined({ lag_ms: lag, message: this.#reason }),
    };
  }
}

function lagOf({ event, at }: { readonly event: RawEvent; readonly at: number }): number | undefined {
  const made = acceptedAt(event) ?? Number(event.source_time ?? Date.parse(event.timestamp));
  return Number.isFinite(made) ? Math.max(0, at - made) : undefined;
}

// Clients may send events long after they happened, so measure from the time at which the server accepted the event.
function acceptedAt({ payload }: RawEvent): number | undefined {
  const { received_at: accepted } = isJsonObject(payload) ? payload : {};
  return typeof accepted === 'string' ? Date.parse(accepted) : undefined;
}

import { defined } from '@weir/base';
import type { RawEvent } from '@weir/event';
import { isJsonObject } from '@weir/event';
import type { StreamState } from '@weir/event/source';
import type { SourceStatus } from '../protocol/status.js';

/** A source that has brought nothing for so long has nothing that waits. */
const QUIET_MS = 1_000;

/** What {@link SourceFacts} begin with. */
export interface SourceFactsOptions {
  /** Default `connecting`. */
  readonly state?: StreamState;
  /** Whether what comes is taken at once; default always. */
  readonly isWaiting?: () => boolean;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** How one connection to a source is, for those who ask. */
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

  /** Another state; says whether anything changed. A connection that is made anew says no `connecting`. */
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
   * As messages have it. The lag is that of the last event when it came. It is 0 once a connected source has brought
   * nothing for a while: what had waited there would have come.
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

// Events may be sent long after they happened: what counts is when the upstream had them.
function acceptedAt({ payload }: RawEvent): number | undefined {
  const { received_at: accepted } = isJsonObject(payload) ? payload : {};
  return typeof accepted === 'string' ? Date.parse(accepted) : undefined;
}

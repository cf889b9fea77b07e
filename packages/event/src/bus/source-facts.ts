import { isJsonObject } from '../json.js';
import type { SourceStatus } from '../protocol/status.js';
import type { RawEvent } from '../raw-event.js';
import type { StreamState } from '../source/event-stream.js';

/** How one connection to a source is, for those who ask. */
export class SourceFacts {
  readonly #name: string;
  #state: StreamState;
  #reason: string | undefined;
  #last: { readonly event: RawEvent; readonly at: number } | undefined;

  constructor(name: string, state: StreamState = 'connecting') {
    this.#name = name;
    this.#state = state;
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
    this.#last = { event, at: Date.now() };
  }

  /** As messages have it. The lag is that of the last event when it came: a quiet source does not fall behind. */
  get json(): Omit<SourceStatus, 'type'> {
    const lag = this.#last && lagOf(this.#last);
    return {
      source: this.#name,
      state: this.#state,
      ...(this.#last === undefined ? {} : { last_event_time: this.#last.event.timestamp }),
      ...(lag === undefined ? {} : { lag_ms: lag }),
      ...(this.#reason === undefined ? {} : { message: this.#reason }),
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

import type { LogShares } from './log-shares.js';
import type { Pending } from './pending.js';

/** The parts of a {@link Reservation}, and its project. */
export interface ReservationParts {
  readonly pending: Pending;
  readonly shares: LogShares;
  readonly projectId: string;
  readonly events: number;
  readonly bytes: number;
}

/**
 * Room in the buffer and in a project's share of the log for an arrival that is stored by several appends. The caller
 * checks the limits once, before it reserves. The appends then use the reservation without further checks: a check
 * between two appends could reject the second half of an arrival whose first half is stored.
 */
export class Reservation {
  readonly #pending: Pending;
  readonly #shares: LogShares;
  readonly #projectId: string;
  #events: number;
  #bytes: number;

  constructor({ pending, shares, projectId, events, bytes }: ReservationParts) {
    this.#pending = pending;
    this.#shares = shares;
    this.#projectId = projectId;
    this.#events = events;
    this.#bytes = bytes;
    pending.add(events, bytes);
    shares.begin(projectId, bytes);
  }

  /**
   * Transfers room to an append, which is then counted as if it had been added directly. An append may exceed the rest
   * of the reservation: events whose first copy failed are appended in separate entries with their own headers.
   */
  spend(events: number, bytes: number): void {
    const reservedEvents = Math.min(events, this.#events);
    const reservedBytes = Math.min(bytes, this.#bytes);
    this.#events -= reservedEvents;
    this.#bytes -= reservedBytes;
    this.#pending.add(events - reservedEvents, bytes - reservedBytes);
    this.#shares.begin(this.#projectId, bytes - reservedBytes);
  }

  /** Returns unused room, for example that of duplicates. */
  release(): void {
    this.#pending.remove(this.#events, this.#bytes);
    this.#shares.failed(this.#projectId, this.#bytes);
    this.#events = 0;
    this.#bytes = 0;
  }
}

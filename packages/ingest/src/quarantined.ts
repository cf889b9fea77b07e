/**
 * Reads quarantined letters in order, so that each can be published once. The order is that of the quarantining
 * transactions, the row's `xmin`: only a retry or a purge changes a quarantined row. Only rows before every running
 * transaction are read, so that none is missed that commits late, on any node.
 */
import { failedEvents, type Postgres } from '@weir/postgres';
import { and, eq, type SQL, sql } from 'drizzle-orm';
import { isQuarantined } from './dead-letters.js';
import { IngestEntry } from './entry.js';

/** An event of a quarantined letter. */
export interface QuarantinedEvent {
  /** The letter's id. */
  readonly id: string;
  readonly projectId: string;
  readonly reason: string;
  /** ClickHouse's complete error text; it may quote the event. */
  readonly error: string;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly quarantinedAt: Date;
  /** The event, for `readRow`. */
  readonly row: Buffer;
}

/** The events that one transaction quarantined. */
export interface Quarantining {
  /** Greater than that of any earlier one. */
  readonly position: number;
  readonly events: readonly QuarantinedEvent[];
}

/** The next transaction id, 64 bits. */
const NEXT = sql`pg_snapshot_xmax(pg_current_snapshot())::text::bigint`;
/** The transaction of a row, 64 bits: `xmin` has the lower 32 bits. */
const TRANSACTION = sql<number>`(${NEXT} - ((${NEXT} - xmin::text::bigint) & 4294967295))`;
const IS_OVER = sql`${TRANSACTION} < pg_snapshot_xmin(pg_current_snapshot())::text::bigint`;

/** See the head of this file. */
export class Quarantined {
  readonly #postgres: Postgres;
  readonly #own: SQL | undefined;
  #isChanged = false;
  #wake: (() => void) | null = null;

  /** @param epoch of the log with the events */
  constructor(postgres: Postgres, epoch: number) {
    this.#postgres = postgres;
    this.#own = and(isQuarantined, eq(failedEvents.logEpoch, epoch));
  }

  /**
   * The next quarantined events after a position, from 0; null if there are none. Rejects while PostgreSQL is
   * unavailable.
   */
  async next(position: number): Promise<Quarantining | null> {
    const { db } = this.#postgres;
    const [found] = await db
      .select({
        next: sql<
          number | null
        >`min(${TRANSACTION}) filter (where ${TRANSACTION} > ${position} and ${IS_OVER})`,
        end: sql`${NEXT}`.mapWith(Number),
      })
      .from(failedEvents)
      .where(this.#own);
    // A restored database counts again from an earlier number, and so must the position.
    if (found !== undefined && position > found.end) return await this.next(0);
    if (found?.next == null) return null;
    const next = Number(found.next);
    const letters = await db
      .select()
      .from(failedEvents)
      .where(and(this.#own, sql`${TRANSACTION} = ${next}`))
      .orderBy(failedEvents.firstOffset, failedEvents.part);
    return { position: next, events: letters.flatMap((letter) => [...eventsOf(letter)]) };
  }

  /** Notifies the reader of new letters. */
  notify(): void {
    this.#isChanged = true;
    this.#wake?.();
  }

  /** Resolves when there may be more, after `timeoutMs`, or when the signal aborts. */
  async changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
    }
    this.#wake = null;
    this.#isChanged = false;
  }
}

function* eventsOf(letter: typeof failedEvents.$inferSelect): Generator<QuarantinedEvent> {
  const { id, projectId, reason, lastError, attemptCount: attempts, createdAt, quarantinedAt } = letter;
  const entry = new IngestEntry(letter.batchPayload);
  const { rows, count } = entry;
  for (let i = 0; i < count; i += 1) {
    yield {
      id,
      projectId,
      reason: reason ?? '',
      error: lastError ?? '',
      attempts,
      createdAt,
      quarantinedAt: quarantinedAt ?? createdAt,
      row: rows.subarray(entry.rowStart(i), entry.rowEnd(i)),
    };
  }
}

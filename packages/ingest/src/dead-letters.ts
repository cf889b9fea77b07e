/**
 * The dead-letter queue: rows that ClickHouse rejected or could not accept, in PostgreSQL's `failed_events` until they
 * are stored, purged or quarantined. Nodes share the work by leases, so no transaction stays open during an insert.
 */
import { failedEvents, type Postgres } from '@weir/postgres';
import { and, asc, eq, inArray, isNotNull, isNull, lt, lte, ne, or, type SQL, sql } from 'drizzle-orm';
import { uuidv7 } from 'uuidv7';
import { RECEIPT_RETENTION_MS } from './receipt.js';
import { RowSet } from './row-set.js';

/** Lease of a claimed row. */
const LEASE_MS = 60_000;
/** Attempts that reached ClickHouse before a row is quarantined. */
const MAX_ATTEMPTS = 20;
/** Age at which a rejected row is quarantined. */
const MAX_AGE_MS = 24 * 3600 * 1000;
/** The total of the doubling waits between twenty attempts. */
const BACKOFF_SPAN_MS = MAX_AGE_MS;
const ROWS_PER_INSERT = 200;

/** Rows of one project, and the batch of the log that they came from. */
interface LetterOfBatch {
  readonly projectId: string;
  readonly epoch: number;
  /** Offsets of that batch. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** 0 for a project's share of a batch, its log index plus one for a single bad row, negative for a remainder. */
  readonly part: number;
  /** Id under which the batch is reported to the usage seam after it is stored. */
  readonly batchId: string;
  readonly rows: RowSet;
}

/** Rows to store as a dead letter. */
export interface NewDeadLetter extends LetterOfBatch {
  readonly error: string;
  /** The reason, in a phrase that groups rows: `unavailable`, `refused`, or the name of ClickHouse's error. */
  readonly reason: string;
  /** Bad data is only retried on an operator's request. */
  readonly quarantined: boolean;
}

/** A dead letter that this node may process until its lease expires. */
export interface ClaimedDeadLetter extends LetterOfBatch {
  readonly id: string;
  readonly attempts: number;
  readonly createdAt: Date;
  /** Expiry of the lease, extended by `renew`; if the table has another value, this node has lost the letter. */
  lease: Date;
}

/** Limits of one claim. */
export interface ClaimOptions {
  readonly maxLetters: number;
  /** Total events, but at least one letter. */
  readonly maxEvents: number;
  /**
   * This node's flusher: letters of its log beyond its position belong to batches in progress. Two concurrent writers
   * of the same rows could both find them missing and insert them twice.
   */
  readonly flusher: { readonly epoch: number; readonly position: number };
}

/** Events in the queue. */
export interface DlqCounts {
  /** Events that are still retried. */
  readonly depth: number;
  readonly quarantined: number;
}

/** The pipeline's access to `failed_events`. For the operators' views see dlq-admin. */
export class DeadLetters {
  readonly #postgres: Postgres;
  readonly #now: () => number;
  readonly #onQuarantined: () => void;

  /**
   * @param now the clock, epoch milliseconds
   * @param onQuarantined called after letters were quarantined
   */
  constructor(postgres: Postgres, now: () => number, onQuarantined: () => void) {
    this.#postgres = postgres;
    this.#now = now;
    this.#onQuarantined = onQuarantined;
  }

  /** Whether PostgreSQL was available at the last check. */
  get isUp(): boolean {
    return this.#postgres.state === 'ready';
  }

  /** Stores letters; an existing letter of the same place stays unchanged, so a batch may be added twice. */
  async add(letters: readonly NewDeadLetter[]): Promise<void> {
    const values = letters.map((letter) => this.#values(letter));
    for (let i = 0; i < values.length; i += ROWS_PER_INSERT) {
      await this.#postgres.db
        .insert(failedEvents)
        .values(values.slice(i, i + ROWS_PER_INSERT))
        .onConflictDoNothing();
    }
    if (letters.some(({ quarantined }) => quarantined)) this.#onQuarantined();
  }

  /** Claims due letters; other nodes skip them until the lease expires. */
  async claimDue({ maxLetters, maxEvents, flusher }: ClaimOptions): Promise<ClaimedDeadLetter[]> {
    const now = new Date(this.#now());
    const lease = new Date(now.getTime() + LEASE_MS);
    const rows = await this.#postgres.db.transaction(async (tx) => {
      const due = await tx
        .select({ id: failedEvents.id, events: failedEvents.eventCount })
        .from(failedEvents)
        .where(
          and(
            isActive,
            lte(failedEvents.nextAttemptAt, now),
            or(isNull(failedEvents.claimedUntil), lte(failedEvents.claimedUntil, now)),
            or(ne(failedEvents.logEpoch, flusher.epoch), lte(failedEvents.lastOffset, flusher.position)),
          ),
        )
        .orderBy(asc(failedEvents.nextAttemptAt))
        .limit(maxLetters)
        .for('update', { skipLocked: true });
      const ids = idsWithin(due, maxEvents);
      if (ids.length === 0) return [];
      return await tx
        .update(failedEvents)
        .set({ claimedUntil: lease })
        .where(inArray(failedEvents.id, ids))
        .returning();
    });
    return rows.map(({ logEpoch, batchPayload, attemptCount, ...row }) => ({
      ...row,
      epoch: logEpoch,
      rows: RowSet.fromPayload(batchPayload),
      attempts: attemptCount,
      lease,
    }));
  }

  /** Renews leases; returns the letters that this node still holds. */
  async renew(letters: readonly ClaimedDeadLetter[]): Promise<ClaimedDeadLetter[]> {
    const lease = new Date(this.#now() + LEASE_MS);
    const rows = await this.#postgres.db
      .update(failedEvents)
      .set({ claimedUntil: lease })
      .where(heldBy(letters))
      .returning({ id: failedEvents.id });
    const kept = new Set(rows.map(({ id }) => id));
    const held = letters.filter(({ id }) => kept.has(id));
    for (const letter of held) letter.lease = lease;
    return held;
  }

  /** Removes letters after their rows were stored. */
  async remove(letters: readonly ClaimedDeadLetter[]): Promise<void> {
    await this.#postgres.db.delete(failedEvents).where(heldBy(letters));
  }

  /** Releases letters unchanged, because ClickHouse was unavailable. */
  async release(letters: readonly ClaimedDeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#postgres.db.update(failedEvents).set({ claimedUntil: null }).where(heldBy(letters));
  }

  /** Records a rejection by an available ClickHouse: doubles the wait, or quarantines the letter. */
  async refuse(letter: ClaimedDeadLetter, error: string): Promise<void> {
    const now = this.#now();
    const attempts = letter.attempts + 1;
    const isOver = attempts >= MAX_ATTEMPTS || now - letter.createdAt.getTime() >= MAX_AGE_MS;
    await this.#postgres.db
      .update(failedEvents)
      .set({
        attemptCount: attempts,
        lastAttemptAt: new Date(now),
        nextAttemptAt: new Date(now + backoffMs(attempts)),
        claimedUntil: null,
        lastError: storable(error),
        quarantinedAt: isOver ? new Date(now) : null,
      })
      .where(heldBy([letter]));
    if (isOver) this.#onQuarantined();
  }

  /**
   * Reduces a letter to `rest` (null removes it) and stores the bad rows as separate letters; no effect if this node
   * lost the lease.
   */
  async narrow(letter: ClaimedDeadLetter, rest: RowSet | null, bad: readonly NewDeadLetter[]): Promise<void> {
    const values = bad.map((one) => this.#values(one));
    await this.#postgres.db.transaction(async (tx) => {
      const held = await tx
        .select({ id: failedEvents.id })
        .from(failedEvents)
        .where(heldBy([letter]))
        .for('update');
      if (held.length === 0) return;
      // The letter itself first, because a bad row may have the same place.
      if (rest === null) {
        await tx.delete(failedEvents).where(eq(failedEvents.id, letter.id));
      } else {
        await tx
          .update(failedEvents)
          // A remainder of the batch's rows needs a new part number.
          .set({
            batchPayload: rest.toPayload(),
            eventCount: rest.count,
            part: -rest.count,
            claimedUntil: null,
          })
          .where(eq(failedEvents.id, letter.id));
      }
      for (let i = 0; i < values.length; i += ROWS_PER_INSERT) {
        await tx
          .insert(failedEvents)
          .values(values.slice(i, i + ROWS_PER_INSERT))
          .onConflictDoNothing();
      }
    });
    if (bad.length > 0) this.#onQuarantined();
  }

  /** Quarantines a letter whose only row ClickHouse rejects: it waits for an operator. */
  async quarantine(letter: ClaimedDeadLetter, error: string, reason: string): Promise<void> {
    const now = new Date(this.#now());
    await this.#postgres.db
      .update(failedEvents)
      .set({
        quarantinedAt: now,
        lastAttemptAt: now,
        attemptCount: letter.attempts + 1,
        claimedUntil: null,
        lastError: storable(error),
        reason: storable(reason),
      })
      .where(heldBy([letter]));
    this.#onQuarantined();
  }

  /** Deletes purged letters after the retention of receipts. */
  async forgetPurged(): Promise<void> {
    await this.#postgres.db
      .delete(failedEvents)
      .where(lt(failedEvents.purgedAt, new Date(this.#now() - RECEIPT_RETENTION_MS)));
  }

  /** Counts the queue's events. */
  async counts(): Promise<DlqCounts> {
    const [row] = await this.#postgres.db
      .select({
        depth: sql<number>`coalesce(sum(${failedEvents.eventCount}) filter (where ${isActive}), 0)`.mapWith(
          Number,
        ),
        quarantined:
          sql<number>`coalesce(sum(${failedEvents.eventCount}) filter (where ${isQuarantined}), 0)`.mapWith(
            Number,
          ),
      })
      .from(failedEvents)
      .where(isNull(failedEvents.purgedAt));
    return row ?? { depth: 0, quarantined: 0 };
  }

  #values(letter: NewDeadLetter): typeof failedEvents.$inferInsert {
    const now = new Date(this.#now());
    return {
      id: uuidv7(),
      projectId: letter.projectId,
      logEpoch: letter.epoch,
      firstOffset: letter.firstOffset,
      lastOffset: letter.lastOffset,
      part: letter.part,
      batchId: letter.batchId,
      batchPayload: letter.rows.toPayload(),
      eventCount: letter.rows.count,
      lastError: storable(letter.error),
      reason: storable(letter.reason),
      nextAttemptAt: now,
      createdAt: now,
      lastAttemptAt: now,
      quarantinedAt: letter.quarantined ? now : null,
    };
  }
}

/** The longest prefix of the letters with at most this many events, but at least one letter. */
function idsWithin(
  due: readonly { readonly id: string; readonly events: number }[],
  maxEvents: number,
): string[] {
  const ids: string[] = [];
  let events = 0;
  for (const letter of due) {
    events += letter.events;
    if (ids.length > 0 && events > maxEvents) break;
    ids.push(letter.id);
  }
  return ids;
}

/** The claimed letters whose leases are still valid. */
function heldBy(letters: readonly ClaimedDeadLetter[]): SQL | undefined {
  return or(
    ...letters.map(({ id, lease }) => and(eq(failedEvents.id, id), eq(failedEvents.claimedUntil, lease))),
  );
}

/** The letters that the drainer still retries. */
export const isActive = and(isNull(failedEvents.quarantinedAt), isNull(failedEvents.purgedAt)) as SQL;
/** The letters that wait for an operator. */
export const isQuarantined = and(isNotNull(failedEvents.quarantinedAt), isNull(failedEvents.purgedAt)) as SQL;

/** Wait after `attempts` rejections: doubling, ±20 %, twenty of them in about a day. */
function backoffMs(attempts: number): number {
  const wait = BACKOFF_SPAN_MS / 2 ** (MAX_ATTEMPTS - Math.min(attempts, MAX_ATTEMPTS - 1));
  return wait * (0.8 + Math.random() * 0.4);
}

/** PostgreSQL's text cannot contain NUL, which an error of the engine may quote. */
function storable(text: string): string {
  return text.replaceAll('\0', '\\0').toWellFormed().slice(0, 2000);
}

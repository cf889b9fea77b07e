/**
 * The dead-letter queue: rows ClickHouse refused or could not take, in PostgreSQL's `failed_events` until they are
 * stored, purged or quarantined. Nodes share the work by leases, so no transaction stays open over an insert.
 */
import { failedEvents, type Postgres } from '@weir/postgres';
import { and, asc, eq, inArray, isNotNull, isNull, lt, lte, ne, or, type SQL, sql } from 'drizzle-orm';
import { uuidv7 } from 'uuidv7';
import { RECEIPT_RETENTION_MS } from './receipt.js';
import { RowSet } from './row-set.js';

/** How long a claimed row belongs to its claimer. */
const LEASE_MS = 60_000;
/** Attempts that reached ClickHouse before a row is quarantined. */
const MAX_ATTEMPTS = 20;
/** Age at which a row that was refused is quarantined. */
const MAX_AGE_MS = 24 * 3600 * 1000;
/** The waits between twenty attempts, each twice the one before, add up to about this. */
const BACKOFF_SPAN_MS = MAX_AGE_MS;
const ROWS_PER_INSERT = 200;

/** Rows of one project, and the batch of one log they came from. */
interface LetterOfBatch {
  readonly projectId: string;
  readonly epoch: number;
  /** Offsets of the batch the rows came from. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** 0 for a project's share of a batch, its log index plus one for a single bad row, negative for a rest. */
  readonly part: number;
  /** Id under which the batch is reported to the usage seam once it is stored. */
  readonly batchId: string;
  readonly rows: RowSet;
}

/** Rows to be kept. */
export interface NewDeadLetter extends LetterOfBatch {
  readonly error: string;
  /** Why it is here, in a phrase that groups rows: `unavailable`, `refused`, or ClickHouse's complaint. */
  readonly reason: string;
  /** Bad data is not tried again until an operator says so. */
  readonly quarantined: boolean;
}

/** A dead letter this node may work on until its lease ends. */
export interface ClaimedDeadLetter extends LetterOfBatch {
  readonly id: string;
  readonly attempts: number;
  readonly createdAt: Date;
  /** End of the lease, moved by `renew`; whoever finds another one in the table has lost the letter. */
  lease: Date;
}

/** What one claim takes. */
export interface ClaimOptions {
  readonly maxLetters: number;
  /** Events in all, but at least one letter. */
  readonly maxEvents: number;
  /**
   * The flusher's own: letters of this log beyond its position belong to batches it still holds, and two writers of the
   * same rows could each find the other's missing.
   */
  readonly flusher: { readonly epoch: number; readonly position: number };
}

/** Events in the queue. */
export interface DlqCounts {
  /** Still tried. */
  readonly depth: number;
  readonly quarantined: number;
}

/** Access to `failed_events` by the pipeline. For operators' views see dlq-admin. */
export class DeadLetters {
  readonly #postgres: Postgres;
  readonly #now: () => number;
  readonly #onQuarantined: () => void;

  /**
   * @param now the clock, epoch milliseconds
   * @param onQuarantined told when letters have been quarantined
   */
  constructor(postgres: Postgres, now: () => number, onQuarantined: () => void) {
    this.#postgres = postgres;
    this.#now = now;
    this.#onQuarantined = onQuarantined;
  }

  /** Whether PostgreSQL answers, as far as is known. */
  get isUp(): boolean {
    return this.#postgres.state === 'ready';
  }

  /** Keeps rows; those of a place already kept are left as they are, so that a batch may be handed in twice. */
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

  /** Takes due letters; other nodes leave them alone until the lease ends. */
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

  /** Begins the lease anew; the letters that are still ours. */
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

  /** Stored: the letters leave the queue. */
  async remove(letters: readonly ClaimedDeadLetter[]): Promise<void> {
    await this.#postgres.db.delete(failedEvents).where(heldBy(letters));
  }

  /** ClickHouse could not be reached: the letters stay as they were. */
  async release(letters: readonly ClaimedDeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#postgres.db.update(failedEvents).set({ claimedUntil: null }).where(heldBy(letters));
  }

  /** A working ClickHouse refused the letter: it waits twice as long as before, or is quarantined. */
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
   * Keeps only `rest` of a letter (nothing: it leaves the queue) and the rows that were found bad as letters of their
   * own; does nothing where the letter is no longer ours.
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
      // First the letter itself: a bad row may have the very place it had.
      if (rest === null) {
        await tx.delete(failedEvents).where(eq(failedEvents.id, letter.id));
      } else {
        await tx
          .update(failedEvents)
          // Of the batch's places only some are left: another part of it.
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

  /** ClickHouse refuses the letter's only row: it waits for an operator. */
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

  /** Forgets purged letters that no receipt can ask about any more. */
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

/** The longest beginning of the letters that has at most so many events, but at least one letter. */
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

/** Claimed letters, as long as their leases stand. */
function heldBy(letters: readonly ClaimedDeadLetter[]): SQL | undefined {
  return or(
    ...letters.map(({ id, lease }) => and(eq(failedEvents.id, id), eq(failedEvents.claimedUntil, lease))),
  );
}

/** The letters the drainer still tries. */
export const isActive = and(isNull(failedEvents.quarantinedAt), isNull(failedEvents.purgedAt)) as SQL;
/** The letters that wait for an operator. */
export const isQuarantined = and(isNotNull(failedEvents.quarantinedAt), isNull(failedEvents.purgedAt)) as SQL;

/** Wait before the next attempt after `attempts` refused ones: doubling, ±20 %, twenty of them in about a day. */
function backoffMs(attempts: number): number {
  const wait = BACKOFF_SPAN_MS / 2 ** (MAX_ATTEMPTS - Math.min(attempts, MAX_ATTEMPTS - 1));
  return wait * (0.8 + Math.random() * 0.4);
}

/** PostgreSQL's text holds no NUL, and an engine's complaint may quote one. */
function storable(text: string): string {
  return text.replaceAll('\0', '\\0').toWellFormed().slice(0, 2000);
}

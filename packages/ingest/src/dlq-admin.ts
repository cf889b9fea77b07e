/** The operators' and receipts' view of the dead letters, and the operators' actions. */
import { failedEvents, type Postgres } from '@weir/postgres';
import { and, asc, count, eq, getTableColumns, gte, isNull, lte, min, type SQL, sql } from 'drizzle-orm';
import { isActive, isQuarantined } from './dead-letters.js';
import type { LogRange } from './receipt.js';
import { RowSet } from './row-set.js';
import type { StoredEvent } from './rows.js';

/** State of a dead letter. */
export type DeadLetterState = 'active' | 'quarantined';

/** A filter of dead letters; all fields must match. */
export interface DeadLetterFilter {
  readonly id?: string;
  readonly projectId?: string;
  readonly reason?: string;
  readonly state?: DeadLetterState;
}

/** One dead letter without its events. */
export interface DeadLetterSummary {
  readonly id: string;
  readonly project_id: string;
  readonly state: DeadLetterState;
  readonly reason: string;
  readonly last_error: string;
  readonly event_count: number;
  readonly attempt_count: number;
  readonly created_at: string;
  readonly last_attempt_at: string | null;
  readonly next_attempt_at: string | null;
  readonly quarantined_at: string | null;
}

/** Counts by reason. */
export interface DlqOverview {
  /** Events that are still retried. */
  readonly depth: number;
  /** Events that wait for an operator. */
  readonly quarantined: number;
  /** Arrival of the oldest letter, RFC 3339; null for an empty queue. */
  readonly oldest: string | null;
  readonly reasons: readonly {
    readonly reason: string;
    readonly state: DeadLetterState;
    readonly letters: number;
    readonly events: number;
  }[];
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Operators' access to the dead letters. */
export class DlqAdmin {
  readonly #postgres: Postgres;
  readonly #now: () => number;

  /** @param now the clock, epoch milliseconds */
  constructor(postgres: Postgres, now: () => number) {
    this.#postgres = postgres;
    this.#now = now;
  }

  /** Depth, age and reasons. */
  async overview(filter: DeadLetterFilter = {}): Promise<DlqOverview> {
    const rows = await this.#postgres.db
      .select({
        reason: failedEvents.reason,
        quarantined: sql<boolean>`${failedEvents.quarantinedAt} is not null`,
        letters: count(),
        events: sql<number>`sum(${failedEvents.eventCount})`.mapWith(Number),
        oldest: min(failedEvents.createdAt),
      })
      .from(failedEvents)
      .where(matching(filter))
      .groupBy(failedEvents.reason, sql`2`);
    const events = (quarantined: boolean): number =>
      rows.filter((row) => row.quarantined === quarantined).reduce((sum, row) => sum + row.events, 0);
    const oldest = rows.map((row) => row.oldest?.getTime() ?? Number.POSITIVE_INFINITY);
    return {
      depth: events(false),
      quarantined: events(true),
      oldest: rows.length === 0 ? null : new Date(Math.min(...oldest)).toISOString(),
      reasons: rows.map((row) => ({
        reason: row.reason ?? '',
        state: row.quarantined ? 'quarantined' : 'active',
        letters: row.letters,
        events: row.events,
      })),
    };
  }

  /** Letters, oldest first; `after` is the id of the last one on the previous page. */
  async list(filter: DeadLetterFilter, limit: number, after?: string): Promise<DeadLetterSummary[]> {
    if (after !== undefined && !UUID.test(after)) return [];
    const rows = await this.#postgres.db
      .select(SUMMARY)
      .from(failedEvents)
      .where(and(matching(filter), after === undefined ? undefined : sql`${failedEvents.id} > ${after}`))
      .orderBy(asc(failedEvents.id))
      .limit(limit);
    return rows.map(summary);
  }

  /** One letter with its events, or null. */
  async show(id: string): Promise<(DeadLetterSummary & { events: StoredEvent[] }) | null> {
    if (!UUID.test(id)) return null;
    const [row] = await this.#postgres.db.select().from(failedEvents).where(matching({ id }));
    if (row === undefined) return null;
    return { ...summary(row), events: [...RowSet.fromPayload(row.batchPayload).events()] };
  }

  /** Makes letters due now, including quarantined ones; returns their number. */
  async retry(filter: DeadLetterFilter): Promise<number> {
    const now = new Date(this.#now());
    const rows = await this.#postgres.db
      .update(failedEvents)
      .set({ nextAttemptAt: now, quarantinedAt: null, attemptCount: 0, createdAt: now })
      .where(matching(filter))
      .returning({ id: failedEvents.id });
    return rows.length;
  }

  /** Deletes letters permanently: only their places are retained, for the retention of receipts. */
  async purge(filter: DeadLetterFilter): Promise<number> {
    const ids = await this.#postgres.db
      .select({ id: failedEvents.id })
      .from(failedEvents)
      .where(matching(filter));
    let purged = 0;
    // One by one, because payloads may be large.
    for (const { id } of ids) {
      const [letter] = await this.#postgres.db
        .select({ payload: failedEvents.batchPayload })
        .from(failedEvents)
        .where(matching({ ...filter, id }));
      if (letter === undefined) continue;
      const rows = await this.#postgres.db
        .update(failedEvents)
        .set({
          purgedAt: new Date(this.#now()),
          batchPayload: encodePlaces(RowSet.fromPayload(letter.payload)),
          lastError: '',
          claimedUntil: null,
        })
        .where(matching({ ...filter, id }))
        .returning({ id: failedEvents.id });
      purged += rows.length;
    }
    return purged;
  }
}

/** The facts about dead letters that receipts need. */
export class DeadLetterPlaces {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  /** How many events in these log ranges, up to an offset, are dead letters, with the reasons. */
  async within(
    projectId: string,
    epoch: number,
    ranges: readonly LogRange[],
    position: number,
  ): Promise<{ counts: Record<'dead_letter' | 'quarantined' | 'purged', number>; reasons: string[] }> {
    const first = Math.min(...ranges.map((range) => range.first));
    const last = Math.max(...ranges.map((range) => range.last));
    const rows = await this.#postgres.db
      .select()
      .from(failedEvents)
      .where(
        and(
          eq(failedEvents.projectId, projectId),
          eq(failedEvents.logEpoch, epoch),
          lte(failedEvents.firstOffset, last),
          gte(failedEvents.lastOffset, first),
        ),
      );
    const counts = { dead_letter: 0, quarantined: 0, purged: 0 };
    const reasons = new Set<string>();
    for (const row of rows) {
      const offsets =
        row.purgedAt === null
          ? [...RowSet.fromPayload(row.batchPayload).locations()].map(({ offset }) => offset)
          : decodePlaces(row.batchPayload);
      const own = offsets.filter(
        (at) => at <= position && ranges.some((range) => at >= range.first && at <= range.last),
      ).length;
      if (own === 0) continue;
      reasons.add(row.reason ?? '');
      counts[row.purgedAt !== null ? 'purged' : row.quarantinedAt !== null ? 'quarantined' : 'dead_letter'] +=
        own;
    }
    return { counts, reasons: [...reasons] };
  }
}

function matching({ id, projectId, reason, state }: DeadLetterFilter): SQL | undefined {
  // A malformed id matches no letter instead of causing a database error.
  if ((id !== undefined && !UUID.test(id)) || (projectId !== undefined && !UUID.test(projectId)))
    return sql`false`;
  return and(
    isNull(failedEvents.purgedAt),
    id === undefined ? undefined : eq(failedEvents.id, id),
    projectId === undefined ? undefined : eq(failedEvents.projectId, projectId),
    reason === undefined ? undefined : eq(failedEvents.reason, reason),
    state === undefined ? undefined : state === 'active' ? isActive : isQuarantined,
  );
}

/** All columns except the payload, which may be large. */
const { batchPayload: _, ...SUMMARY } = getTableColumns(failedEvents);

function summary(row: Omit<typeof failedEvents.$inferSelect, 'batchPayload'>): DeadLetterSummary {
  return {
    id: row.id,
    project_id: row.projectId,
    state: row.quarantinedAt === null ? 'active' : 'quarantined',
    reason: row.reason ?? '',
    last_error: row.lastError ?? '',
    event_count: row.eventCount,
    attempt_count: row.attemptCount,
    created_at: row.createdAt.toISOString(),
    last_attempt_at: row.lastAttemptAt?.toISOString() ?? null,
    next_attempt_at: row.quarantinedAt === null ? row.nextAttemptAt.toISOString() : null,
    quarantined_at: row.quarantinedAt?.toISOString() ?? null,
  };
}

const PLACE_BYTES = 8;

function encodePlaces(rows: RowSet): Buffer {
  const offsets = [...rows.locations()].map(({ offset }) => offset);
  const bytes = Buffer.alloc(offsets.length * PLACE_BYTES);
  offsets.forEach((offset, i) => {
    bytes.writeDoubleLE(offset, i * PLACE_BYTES);
  });
  return bytes;
}

function decodePlaces(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / PLACE_BYTES }, (_, i) => bytes.readDoubleLE(i * PLACE_BYTES));
}

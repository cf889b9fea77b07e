/**
 * Sums usage in PostgreSQL, by tenant, hour, source, stack and node. A batch is one transaction: it advances the log's
 * row in `usage_rollup_position` from the expected position, and adds the sums of the batch. So a record counts once,
 * despite crashes, lost answers to a commit, and redelivery.
 *
 * The alternative, cumulative totals for each start of a node, would lose what a killed process had counted and not
 * written, and every start would leave its own rows. This sink counts the records of the log, not the memory of a
 * process.
 *
 * The position advances by compare-and-set: if the row differs from the position that was read, the transaction writes
 * nothing. So a commit whose answer was lost, and which executes after the position was read again, cannot count twice
 * either.
 */
import type { Sink, UsageEvent } from '@weir/extension';
import { type Postgres, usageRollupPosition, withoutStatement } from '@weir/postgres';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { EventBatches, type EventBatchesOptions } from './event-batches.js';
import { sumUp } from './rollup-sum.js';

/** The position of a log without a row. */
const NONE = -1;

type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

/** See the head of this file. It waits for PostgreSQL with its first batch; until then batches reject. */
export class RollupSink implements Sink {
  readonly name = 'rollup';
  readonly #postgres: Postgres;
  readonly #batches: EventBatches;
  /** By log, `seq` of the last counted record. Discarded when a transaction fails, because its outcome is unknown. */
  readonly #positions = new Map<string, number>();

  constructor(postgres: Postgres, options: EventBatchesOptions = {}) {
    this.#postgres = postgres;
    this.#batches = new EventBatches((events) => this.#keep(events), options);
  }

  /** Records that arrived after `close`. */
  get ignored(): number {
    return this.#batches.ignored;
  }

  writeEvent(event: UsageEvent): Promise<void> | undefined {
    return this.#batches.write(event);
  }

  close(signal: AbortSignal): Promise<void> {
    return this.#batches.close(signal);
  }

  async #keep(events: readonly UsageEvent[]): Promise<void> {
    try {
      await this.#findPositions(events);
      const moved = new Map(this.#positions);
      const fresh = events.filter(({ logId, seq }) => {
        if (seq <= (moved.get(logId) ?? NONE)) return false;
        moved.set(logId, seq);
        return true;
      });
      if (fresh.length === 0) return;
      const sums = JSON.stringify(sumUp(fresh));
      await this.#postgres.db.transaction(async (tx) => {
        for (const [logId, seq] of moved) await move(tx, logId, this.#positions.get(logId) ?? NONE, seq);
        await tx.execute(sql`${ADD_HEAD}${sums}${ADD_TAIL}`);
      });
      for (const [logId, seq] of moved) this.#positions.set(logId, seq);
    } catch (error) {
      this.#positions.clear();
      throw withoutStatement(error);
    }
  }

  async #findPositions(events: readonly UsageEvent[]): Promise<void> {
    const unknown = [...new Set(events.map(({ logId }) => logId))].filter((id) => !this.#positions.has(id));
    if (unknown.length === 0) return;
    const rows = await this.#postgres.db
      .select()
      .from(usageRollupPosition)
      .where(inArray(usageRollupPosition.logId, unknown));
    for (const logId of unknown) this.#positions.set(logId, NONE);
    for (const { logId, seq } of rows) this.#positions.set(logId, seq);
  }
}

/** Advances the position of a log; throws if it is not `from`. */
async function move(tx: Transaction, logId: string, from: number, to: number): Promise<void> {
  if (from === to) return;
  const { logId: log, seq } = usageRollupPosition;
  const moved =
    from === NONE
      ? await tx
          .insert(usageRollupPosition)
          .values({ logId, seq: to })
          .onConflictDoNothing()
          .returning({ seq })
      : await tx
          .update(usageRollupPosition)
          .set({ seq: to })
          .where(and(eq(log, logId), eq(seq, from)))
          .returning({ seq });
  if (moved.length === 0) throw new Error('another writer has advanced the usage rollup meanwhile');
}

const COUNTS = [
  'requests',
  'errors',
  'denied',
  'events',
  'fuel',
  'billable_fuel',
  'bytes_in',
  'bytes_out',
  'duration_ms',
] as const;
const COLUMNS = sql.raw(['tenant', 'hour', 'src', 'stack', 'node_id', ...COUNTS, 'max_mem_bytes'].join(', '));
const TYPES = sql.raw(COUNTS.map((name) => `${name} bigint`).join(', '));
const TOTALS = sql.raw(COUNTS.map((name) => `${name} = r.${name} + excluded.${name}`).join(', '));

const ADD_HEAD = sql`insert into usage_rollup as r (${COLUMNS}) select ${COLUMNS} from json_to_recordset(`;
const ADD_TAIL = sql`::json) as sums (
    tenant text, hour timestamptz, src text, stack text, node_id text, ${TYPES}, max_mem_bytes bigint)
  on conflict (tenant, hour, src, stack, node_id) do update
  set ${TOTALS}, max_mem_bytes = greatest(r.max_mem_bytes, excluded.max_mem_bytes)`;

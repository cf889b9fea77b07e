import type { Postgres } from '@weir/postgres';
import { withoutStatement } from '@weir/postgres';
import { type SQL, sql } from 'drizzle-orm';

/** The possible groupings of totals. Hours and days are UTC. */
export const USAGE_GROUPS = ['hour', 'day', 'src', 'stack'] as const;
/** One of {@link USAGE_GROUPS}. */
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The arguments of {@link UsageTotals.read}. */
export interface UsageTotalsQuery {
  /** A project's id, or `_sys`. */
  readonly tenant: string;
  /** The start of the first hour. */
  readonly from: Date;
  /** The end (excluded): the start of an hour. */
  readonly to: Date;
  /** Empty: one row for everything. */
  readonly groupBy: readonly UsageGroup[];
  /** Maximum rows. Default 100,000. */
  readonly limit?: number;
}

/**
 * One row of totals, with the fields of its grouping. Runs of the engine (`compute`) are not requests: they only count
 * in
 * `engineMs` and `maxMemBytes`, unless rows are grouped by `src` and have a row for them.
 */
export interface UsageTotal {
  /** Start of the hour, such as `2026-11-21T16:00:00Z`. */
  readonly hour?: string;
  /** Such as `2026-11-21`. */
  readonly day?: string;
  readonly src?: string;
  readonly stack?: string;
  /** In a row of src `compute`: runs of the engine. */
  readonly requests: number;
  /** Requests with status `error`, including denied ones. */
  readonly errors: number;
  readonly denied: number;
  /** Accepted events, of requests that were not refused. */
  readonly events: number;
  readonly fuel: number;
  /** The billable part of `fuel`. */
  readonly billableFuel: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** Working time of the engine. */
  readonly engineMs: number;
  /** Maximum peak memory of any run of the engine. */
  readonly maxMemBytes: number;
}

const GROUP_SQL: Readonly<Record<UsageGroup, SQL>> = {
  hour: sql`to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
  day: sql`to_char(hour at time zone 'UTC', 'YYYY-MM-DD')`,
  src: sql`src`,
  stack: sql`stack`,
};

/** Reads the sums of the rollup sink. */
export class UsageTotals {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  /**
   * A tenant's totals, ordered by their grouping. Sums are exact up to 2^53. The current hour lacks a second or two
   * that the sink has not received yet. Throws the errors of `postgres.db`.
   */
  async read({ tenant, from, to, groupBy, limit = 100_000 }: UsageTotalsQuery): Promise<UsageTotal[]> {
    const groups = USAGE_GROUPS.filter((group) => groupBy.includes(group));
    const keys = groups.map((group) => sql`${GROUP_SQL[group]} as ${sql.identifier(`by_${group}`)}`);
    const names = sql.join(
      groups.map((group) => sql.identifier(`by_${group}`)),
      sql`, `,
    );
    const rest = groups.length === 0 ? sql`` : sql` group by ${names} order by ${names}`;
    const request = groups.includes('src') ? sql`true` : sql`src <> 'compute'`;
    // A sum of bigint is numeric, which the driver returns as text; as a double it is a number, exact up to 2^53.
    const sum = (column: string, where: SQL) =>
      sql`coalesce(sum(${sql.identifier(column)}) filter (where ${where}), 0)::float8`;
    const columns = [
      ...keys,
      sql`${sum('requests', request)} as requests`,
      sql`${sum('errors', request)} as errors`,
      sql`${sum('denied', request)} as denied`,
      sql`${sum('events', request)} as events`,
      sql`${sum('fuel', request)} as fuel`,
      sql`${sum('billable_fuel', request)} as billable_fuel`,
      sql`${sum('bytes_in', request)} as bytes_in`,
      sql`${sum('bytes_out', request)} as bytes_out`,
      sql`${sum('duration_ms', request)} as duration_ms`,
      sql`${sum('duration_ms', sql`src = 'compute'`)} as engine_ms`,
      sql`coalesce(max(max_mem_bytes), 0)::float8 as max_mem_bytes`,
    ];
    try {
      const { rows } = await this.#postgres.db.execute(
        sql`select ${sql.join(columns, sql`, `)} from usage_rollup
          where tenant = ${tenant} and hour >= ${from.toISOString()}::timestamptz and hour < ${to.toISOString()}::timestamptz${rest} limit ${limit}`,
      );
      return rows.map((row) => totalOf(row, groups));
    } catch (error) {
      throw withoutStatement(error);
    }
  }
}

function totalOf(row: Record<string, unknown>, groups: readonly UsageGroup[]): UsageTotal {
  return {
    ...Object.fromEntries(groups.map((group) => [group, String(row[`by_${group}`])])),
    requests: Number(row.requests),
    errors: Number(row.errors),
    denied: Number(row.denied),
    events: Number(row.events),
    fuel: Number(row.fuel),
    billableFuel: Number(row.billable_fuel),
    bytesIn: Number(row.bytes_in),
    bytesOut: Number(row.bytes_out),
    durationMs: Number(row.duration_ms),
    engineMs: Number(row.engine_ms),
    maxMemBytes: Number(row.max_mem_bytes),
  };
}

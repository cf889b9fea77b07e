/**
 * Inserts rows into ClickHouse, each once.
 *
 * Every row carries its place in the log. If the outcome of an earlier insert of the same rows is unknown (a crash, a
 * lost connection, a timeout), the writer stops any running insert of them, asks ClickHouse which of the places it has,
 * and inserts the others. It does not rely on deduplication by the engine.
 */
import { deadline } from '@weir/base';
import { type ClickHouse, ClickHouseError, databaseNames, relinkStatements } from '@weir/clickhouse';
import type { RowLocation, RowSet } from './row-set.js';
import { ROW_COLUMNS } from './rows.js';

/** ClickHouse writes a part for each partition of an insert; many small parts slow it down. */
const MAX_PARTITIONS = 20;

const EVENTS_TABLE = `${databaseNames().base}.events_raw_v1`;
const INSERT = `INSERT INTO ${EVENTS_TABLE} (${ROW_COLUMNS.join(', ')}) FORMAT RowBinary`;
const HELD = `SELECT log_offset AS offset, log_index AS index FROM ${EVENTS_TABLE}
  WHERE log_epoch = {epoch:UInt32} AND `;
const OF_PROJECTS = 'project_id IN {projects:Array(UUID)} AND ';

/** The context of one insert. */
export interface InsertContext {
  /** Epoch of the log the rows came from. */
  readonly epoch: number;
  /** Identifies the insert among ClickHouse's running queries. */
  readonly tag: string;
  /** Tags of earlier tries that may have stored some of the rows or may still run; empty if there was none. */
  readonly earlier: readonly string[];
}

/** The tag of a batch's own insert. */
export function batchTag(batchId: string): string {
  return `weir-ingest/${batchId}/`;
}

/** Maximum time of one INSERT, here and in ClickHouse. */
const INSERT_TIMEOUT_MS = 30_000;
/** Maximum time to stop an earlier insert, and to query the rows that ClickHouse has. */
const ASK_TIMEOUT_MS = 10_000;
/** Maximum projects named in that query; a batch with more is queried as a whole. */
const NAMED_PROJECTS = 100;

/** Writes row sets to `events_raw_v1`. */
export class EventWriter {
  readonly #clickhouse: ClickHouse;
  readonly #maxBytes: number;

  /** @param maxBytes maximum of one INSERT */
  constructor(clickhouse: ClickHouse, maxBytes: number) {
    this.#clickhouse = clickhouse;
    this.#maxBytes = maxBytes;
  }

  /** Whether ClickHouse answers at all. */
  isUp(): Promise<boolean> {
    return this.#clickhouse.ping();
  }

  /**
   * Resolves when every row is durable in ClickHouse.
   * @throws ClickHouseError; some of the rows may be stored then, so the next try must name this one as `earlier`
   */
  async insert(set: RowSet, context: InsertContext): Promise<void> {
    const missing = context.earlier.length > 0 ? await this.#missing(set, context) : set;
    for (const part of missing.count === 0 ? [] : missing.within(MAX_PARTITIONS, this.#maxBytes)) {
      await this.#clickhouse.insertRaw(INSERT, part.bytes, {
        tag: context.tag,
        settings: { max_execution_time: INSERT_TIMEOUT_MS / 1000 },
        timeoutMs: INSERT_TIMEOUT_MS,
      });
    }
  }

  /**
   * Ensures that no insert with this tag runs.
   * @throws ClickHouseError if ClickHouse cannot be asked
   */
  async end(tag: string): Promise<void> {
    const { signal, release } = deadline(ASK_TIMEOUT_MS);
    try {
      await this.#clickhouse.kill(tag, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new ClickHouseError('unavailable', 'ClickHouse did not end an earlier insert in time');
    } finally {
      release();
    }
  }

  async #relink(where: string): Promise<void> {
    for (const statement of relinkStatements(databaseNames(), where)) {
      await this.#clickhouse.command(statement, { timeoutMs: ASK_TIMEOUT_MS });
    }
  }

  async #missing(set: RowSet, { epoch, earlier }: InsertContext): Promise<RowSet> {
    for (const tag of earlier) await this.end(tag);
    const projects = [...set.byProject().keys()];
    const isNamed = projects.length <= NAMED_PROJECTS;
    const ranges = set.ranges().map(({ first, last }) => `log_offset BETWEEN ${first} AND ${last}`);
    const held = await this.#clickhouse.query<RowLocation>(
      `${HELD}${isNamed ? OF_PROJECTS : ''}(${ranges.join(' OR ')})`,
      {
        params: { epoch, ...(isNamed ? { projects } : {}) },
        timeoutMs: ASK_TIMEOUT_MS,
        settings: { output_format_json_quote_64bit_integers: 0 },
      },
    );
    // Existing rows may belong to an insert that failed before it wrote their links.
    if (held.length > 0) await this.#relink(`log_epoch = ${epoch} AND (${ranges.join(' OR ')})`);
    return set.without(held);
  }
}

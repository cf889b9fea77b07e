/**
 * Rows into ClickHouse, each once.
 *
 * Every row carries its place in the log. When nobody can know what became of an earlier insert of the same rows (a
 * crash, a lost connection, a time-out), the writer stops what is still running of it, asks ClickHouse which of the
 * places it holds, and inserts the others. No deduplication by the engine is involved.
 */
import { deadline } from '@weir/base';
import { type ClickHouse, ClickHouseError, databaseNames, relinkStatements } from '@weir/clickhouse';
import type { RowLocation, RowSet } from './row-set.js';
import { ROW_COLUMNS } from './rows.js';

/** ClickHouse writes a part for each partition an insert touches; many small parts slow everything down. */
const MAX_PARTITIONS = 20;

const EVENTS_TABLE = `${databaseNames().base}.events_raw_v1`;
const INSERT = `INSERT INTO ${EVENTS_TABLE} (${ROW_COLUMNS.join(', ')}) FORMAT RowBinary`;
const HELD = `SELECT log_offset AS offset, log_index AS index FROM ${EVENTS_TABLE}
  WHERE log_epoch = {epoch:UInt32} AND `;
const OF_PROJECTS = 'project_id IN {projects:Array(UUID)} AND ';

/** How one insert is to be made. */
export interface InsertContext {
  /** Epoch of the log the rows came from. */
  readonly epoch: number;
  /** Names the insert among ClickHouse's running queries. */
  readonly tag: string;
  /**
   * Tags of earlier tries that may have left some of the rows in ClickHouse or may still be running; empty where
   * there was none.
   */
  readonly earlier: readonly string[];
}

/** The tag of a batch's own insert. */
export function batchTag(batchId: string): string {
  return `weir-ingest/${batchId}/`;
}

/** Longest time one INSERT may take, here and in ClickHouse. */
const INSERT_TIMEOUT_MS = 30_000;
/** Longest time for ending an earlier insert, and for asking what ClickHouse holds. */
const ASK_TIMEOUT_MS = 10_000;
/** So many projects are named to ClickHouse when it is asked; a batch of more is asked for whole. */
const NAMED_PROJECTS = 100;

/** Writes row sets to `events_raw_v1`. */
export class EventWriter {
  readonly #clickhouse: ClickHouse;
  readonly #maxBytes: number;

  /** @param maxBytes the most one INSERT sends */
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
   * @throws ClickHouseError; some of the rows may be stored then, so a further try names this one as `earlier`
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
   * Makes sure that no insert with this tag is running any more.
   * @throws ClickHouseError where ClickHouse cannot be asked
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
    // Rows that are there may be of an insert that did not come to their links.
    if (held.length > 0) await this.#relink(`log_epoch = ${epoch} AND (${ranges.join(' OR ')})`);
    return set.without(held);
  }
}

import { type ClickHouse, USAGE_TABLE } from '@weir/clickhouse';
import type { Sink, UsageEvent } from '@weir/extension';
import { documentOf } from '../records/document.js';
import { EventBatches, type EventBatchesOptions } from './event-batches.js';

const INSERT = `INSERT INTO ${USAGE_TABLE} FORMAT JSONEachRow`;
/** The tag of the sink's inserts in ClickHouse. */
const TAG = 'weir-usage/';
/** Maximum time of one INSERT, here and in ClickHouse. */
const TIMEOUT_MS = 30_000;

/**
 * Stores records in ClickHouse's `weir_usage.usage_v1` (`USAGE_TABLE` of `@weir/clickhouse`). After a failure or a
 * crash some are inserted again with the same key; a `SELECT … FINAL` returns each once. While ClickHouse is
 * unavailable batches reject.
 */
export class ClickHouseSink implements Sink {
  readonly name = 'clickhouse';
  readonly #clickhouse: ClickHouse;
  readonly #batches: EventBatches;

  constructor(clickhouse: ClickHouse, options: EventBatchesOptions = {}) {
    this.#clickhouse = clickhouse;
    this.#batches = new EventBatches((events, signal) => this.#insert(events, signal), options);
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

  async #insert(events: readonly UsageEvent[], signal: AbortSignal): Promise<void> {
    const rows = Buffer.from(events.map((event) => `${JSON.stringify(documentOf(event))}\n`).join(''));
    await this.#clickhouse.insertRaw(INSERT, [rows], {
      tag: TAG,
      signal,
      timeoutMs: TIMEOUT_MS,
      // Times are RFC 3339; a field added to the record must not stop the inserts.
      settings: {
        date_time_input_format: 'best_effort',
        input_format_skip_unknown_fields: 1,
        max_execution_time: TIMEOUT_MS / 1000,
      },
    });
  }
}

/** The resources that a query used, as the engine reports them. */
export interface QueryUse {
  /** Rows read, including those of other projects in the same blocks: for the operator, never for a tenant. */
  readonly readRows: number;
  readonly readBytes: number;
  /** Peak memory, in bytes. */
  readonly memoryBytes: number;
  /** The engine's own time, milliseconds, without waits for a slow reader. */
  readonly elapsedMs: number;
}

/** The use of a query that did no work. */
export const NOTHING_USED: QueryUse = { readRows: 0, readBytes: 0, memoryBytes: 0, elapsedMs: 0 };

/** The sum for two statements that ran one after another for one query. */
export function usedTogether(one: QueryUse, other: QueryUse): QueryUse {
  return {
    readRows: one.readRows + other.readRows,
    readBytes: one.readBytes + other.readBytes,
    memoryBytes: Math.max(one.memoryBytes, other.memoryBytes),
    elapsedMs: one.elapsedMs + other.elapsedMs,
  };
}

/**
 * The header of an answer with its summary: on a ClickHouse server a header, written at the first block; on the
 * embedded engine a trailer of the same name, written at the end.
 */
export const SUMMARY_HEADER = 'x-clickhouse-summary';

/** The part of ClickHouse's summary about resources; its numbers are strings. */
export interface UseSummary {
  readonly read_rows: string;
  readonly read_bytes: string;
  readonly memory_usage: string;
  readonly elapsed_ns: string;
}

/** Converts a use to the form of ClickHouse's summary. */
export function useSummary(use: QueryUse): UseSummary {
  return {
    read_rows: String(use.readRows),
    read_bytes: String(use.readBytes),
    memory_usage: String(use.memoryBytes),
    elapsed_ns: String(Math.round(use.elapsedMs * 1e6)),
  };
}

/** Parses a summary; undefined if it has no time, and thus describes no query. Older servers omit memory. */
export function useOf(summary: Partial<UseSummary> | undefined): QueryUse | undefined {
  if (summary?.elapsed_ns === undefined) return undefined;
  return {
    readRows: Number(summary.read_rows ?? 0),
    readBytes: Number(summary.read_bytes ?? 0),
    memoryBytes: Number(summary.memory_usage ?? 0),
    elapsedMs: Number(summary.elapsed_ns) / 1e6,
  };
}

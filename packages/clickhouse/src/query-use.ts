/** What a query has used, by the engine's own account. */
export interface QueryUse {
  /** Rows read, those of other projects in the same blocks among them: for the operator, never for a tenant. */
  readonly readRows: number;
  readonly readBytes: number;
  /** Peak memory, in bytes. */
  readonly memoryBytes: number;
  /** The engine's own time, in milliseconds: what a slow reader kept it waiting is not in it. */
  readonly elapsedMs: number;
}

/** Of a query that has done nothing. */
export const NOTHING_USED: QueryUse = { readRows: 0, readBytes: 0, memoryBytes: 0, elapsedMs: 0 };

/** What two statements that ran one after the other for one query have used. */
export function usedTogether(one: QueryUse, other: QueryUse): QueryUse {
  return {
    readRows: one.readRows + other.readRows,
    readBytes: one.readBytes + other.readBytes,
    memoryBytes: Math.max(one.memoryBytes, other.memoryBytes),
    elapsedMs: one.elapsedMs + other.elapsedMs,
  };
}

/**
 * Where an answer carries its summary: of a ClickHouse server a header, written at the first block; of the embedded
 * engine a trailer of the same name, written at the end.
 */
export const SUMMARY_HEADER = 'x-clickhouse-summary';

/** The part of ClickHouse's summary that says what was used; it writes its numbers as strings. */
export interface UseSummary {
  readonly read_rows: string;
  readonly read_bytes: string;
  readonly memory_usage: string;
  readonly elapsed_ns: string;
}

/** A use as ClickHouse's summary tells it. */
export function useSummary(use: QueryUse): UseSummary {
  return {
    read_rows: String(use.readRows),
    read_bytes: String(use.readBytes),
    memory_usage: String(use.memoryBytes),
    elapsed_ns: String(Math.round(use.elapsedMs * 1e6)),
  };
}

/** Reads a summary; undefined where it says nothing of time, and so of no query. Older servers leave memory out. */
export function useOf(summary: Partial<UseSummary> | undefined): QueryUse | undefined {
  if (summary?.elapsed_ns === undefined) return undefined;
  return {
    readRows: Number(summary.read_rows ?? 0),
    readBytes: Number(summary.read_bytes ?? 0),
    memoryBytes: Number(summary.memory_usage ?? 0),
    elapsedMs: Number(summary.elapsed_ns) / 1e6,
  };
}

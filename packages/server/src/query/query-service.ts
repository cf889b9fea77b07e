import { createQueryService, type QueryGate, type QueryService } from '@weir/query';
import type { Config } from '../config/schema.js';
import { Problem } from '../http/problem.js';
import type { Stores } from '../stores.js';

/** Concurrent queries that a node sends to a ClickHouse server: the connections of its reader. */
const SERVER_QUERIES = 64;

/** Accepts every query. */
const OPEN_GATE: QueryGate = { check: async (sql) => ({ kind: 'select', sql }) };

/** Returns the read path for each request; a server without a reader has none. */
export function queryService(
  config: Config,
  { queries, engine }: Stores,
  hasNoGate: boolean,
): () => QueryService {
  if (queries === null) {
    return () => {
      throw new Problem('engine_unavailable', 'queries need WEIR_CLICKHOUSE_READER_PASSWORD');
    };
  }
  const service = createQueryService({
    ...queries,
    limits: {
      executionMs: config.WEIR_QUERY_MAX_EXECUTION_TIME,
      resultRows: config.WEIR_QUERY_MAX_RESULT_ROWS,
      resultBytes: config.WEIR_QUERY_MAX_RESULT_BYTES,
      memoryBytes: config.WEIR_QUERY_MAX_MEMORY,
      textBytes: config.WEIR_QUERY_MAX_BODY_BYTES,
      concurrency: config.WEIR_QUERY_MAX_CONCURRENCY,
      queue: config.WEIR_QUERY_QUEUE,
      queueWaitMs: config.WEIR_QUERY_QUEUE_WAIT,
      engineQueries: engine?.readers ?? SERVER_QUERIES,
    },
    ...(hasNoGate ? { gate: OPEN_GATE } : {}),
  });
  return () => service;
}

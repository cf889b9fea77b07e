/** Converts errors of every package to problems. */

import { WeirError } from '@weir/base';
import { ClickHouseError } from '@weir/clickhouse';
import { isUnavailable } from '@weir/postgres';
import { Problem } from './problem.js';

/** The problem for an error. An unexpected error hides its message. */
export function problemOf(error: unknown): WeirError {
  if (error instanceof WeirError && error.status > 0) return error;
  // Messages of the stores quote their drivers.
  if (error instanceof ClickHouseError && error.code === 'unavailable')
    return new Problem('engine_unavailable', 'ClickHouse does not answer now', { cause: error });
  if (isUnavailable(error))
    return new Problem('store_unavailable', 'PostgreSQL does not answer now', { cause: error });
  return new Problem('internal', 'an internal error occurred; the server log has the details', {
    cause: error,
  });
}

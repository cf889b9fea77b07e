/** Every package's own errors as problems. */

import { AccountsError } from '@weir/accounts';
import { WeirError } from '@weir/base';
import { ChannelError } from '@weir/channel';
import { ClickHouseError } from '@weir/clickhouse';
import { IngestError } from '@weir/ingest';
import { LogError } from '@weir/log';
import { isUnavailable } from '@weir/postgres';
import { ProcessError } from '@weir/process';
import { QueryError } from '@weir/query';
import { problemOfChannel } from '../channel/channel-problem.js';
import { Problem } from './problem.js';

/** The problem that an error is. An unexpected error hides its message. */
export function problemOf(error: unknown): WeirError {
  if (error instanceof WeirError && error.status > 0) return error;
  if (error instanceof IngestError) {
    const { code, message, status, retryAfterSeconds, limit, hint } = error;
    const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
    return new WeirError(code, message, { status, retryAfterMs, limit, hint, cause: error });
  }
  if (error instanceof ChannelError) return problemOfChannel(error);
  if (error instanceof ProcessError) {
    const { status, code, message, hint, limit } = error;
    return new WeirError(code, message, { status, hint, limit, cause: error });
  }
  if (error instanceof QueryError) {
    const { code, message, status, extras } = error;
    const { retryAfterSeconds, ...details } = extras;
    const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
    return new WeirError(code, message, { ...details, status, retryAfterMs, cause: error });
  }
  if (error instanceof AccountsError)
    return new WeirError(error.code, error.message, { status: error.status, cause: error });
  if (error instanceof ClickHouseError && error.kind === 'unavailable')
    return new Problem('engine_unavailable', 'ClickHouse does not answer now', { cause: error });
  if (isUnavailable(error)) {
    const details = { status: 503, retryAfterMs: 2_000, cause: error };
    return new WeirError('store_unavailable', 'PostgreSQL does not answer now', details);
  }
  if (error instanceof LogError && (error.code === 'log_full' || error.code === 'project_quota')) {
    const hint = 'nothing was stored: try again once there is room';
    return new WeirError(error.code, error.message, { status: 503, retryAfterMs: 5_000, hint, cause: error });
  }
  if (error instanceof LogError && error.code === 'log_failed') {
    const hint = 'nothing was stored; the operator must start the server again';
    const details = { status: 503, retryAfterMs: 2_000, hint, cause: error };
    return new WeirError('store_unavailable', 'the log cannot be written', details);
  }
  if (error instanceof LogError && error.code === 'log_closed')
    return new Problem('draining', 'the server is stopping', { cause: error });
  return new Problem('internal', 'something went wrong here; the server log has the details', {
    cause: error,
  });
}

/** Every package's own errors as problems. */

import { AccountsError } from '@weir/accounts';
import { defined } from '@weir/base';
import { ChannelError } from '@weir/channel';
import { ClickHouseError } from '@weir/clickhouse';
import { IngestError } from '@weir/ingest';
import { LogError } from '@weir/log';
import { isUnavailable } from '@weir/postgres';
import { ProcessError } from '@weir/process';
import { QueryError } from '@weir/query';
import { problemOfChannel } from '../channel/channel-problem.js';
import { ClientGone } from './body/drop-rest.js';
import { Problem } from './problem.js';

/** The problem that an error is. An unexpected error hides its message. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ClientGone)
    return new Problem(400, 'invalid_request', 'the connection closed before the request was whole');
  if (error instanceof IngestError) {
    const { retryAfterSeconds, limit, hint } = error;
    const extras = {
      ...defined({ retryAfterSeconds, limit, hint }),
    };
    return new Problem(error.status, error.code, error.message, extras, { cause: error });
  }
  if (error instanceof ChannelError) return problemOfChannel(error);
  if (error instanceof ProcessError) {
    const { status, code, message, hint, limit } = error;
    return new Problem(status, code, message, { hint, ...defined({ limit }) }, { cause: error });
  }
  if (error instanceof QueryError)
    return new Problem(error.status, error.code, error.message, error.extras, { cause: error });
  if (error instanceof AccountsError)
    return new Problem(error.status, error.code, error.message, {}, { cause: error });
  if (error instanceof ClickHouseError && error.kind === 'unavailable') {
    return new Problem(
      503,
      'engine_unavailable',
      'ClickHouse does not answer now',
      { retryAfterSeconds: 2 },
      { cause: error },
    );
  }
  if (isUnavailable(error)) {
    return new Problem(
      503,
      'store_unavailable',
      'PostgreSQL does not answer now',
      { retryAfterSeconds: 2 },
      { cause: error },
    );
  }
  if (error instanceof LogError && (error.code === 'log_full' || error.code === 'project_quota')) {
    const extras = { retryAfterSeconds: 5, hint: 'nothing was stored: try again once there is room' };
    return new Problem(503, error.code, error.message, extras, { cause: error });
  }
  if (error instanceof LogError && error.code === 'log_failed') {
    const extras = {
      retryAfterSeconds: 5,
      hint: 'nothing was stored; the operator must start the server again',
    };
    return new Problem(503, 'store_unavailable', 'the log cannot be written', extras, { cause: error });
  }
  if (error instanceof LogError && error.code === 'log_closed')
    return new Problem(503, 'draining', 'the server stops', { retryAfterSeconds: 1 }, { cause: error });
  return Problem.unexpected(error);
}

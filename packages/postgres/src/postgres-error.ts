import { errorClass } from '@weir/base';
import { DrizzleQueryError } from 'drizzle-orm';

/**
 * The error class of this package; its `cause` is the error of the driver. No code has a status, because the messages
 * quote the driver.
 *
 * - `store_unavailable`: no answer, a timeout, or the store is still starting. Retry later.
 * - `schema_newer`: a newer version of Weir wrote the data. Only an upgrade helps.
 */
export class PostgresError extends errorClass({
  store_unavailable: { retryable: true },
  schema_newer: {},
}) {}

/**
 * Whether `error`, or one of its causes, means that the store could not answer, as opposed to a wrong statement. The
 * outcome of such a statement is unknown: it may have been executed.
 */
export function isUnavailable(error: unknown): boolean {
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 8; e = e.cause, depth++) {
    if (e instanceof PostgresError) return e.code === 'store_unavailable';
    if (e instanceof AggregateError && e.errors.some(isUnavailable)) return true;
    if (isConnectionFailure(e)) return true;
  }
  return false;
}

/**
 * The error in a form that may be logged. Drizzle wraps the error of the driver in one that repeats the statement and
 * its parameters, including tenants' data; this returns the inner error.
 */
export function withoutStatement(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? (error.cause ?? new Error('a statement failed')) : error;
}

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

// https://www.postgresql.org/docs/current/errcodes-appendix.html: 08 connection exception, 53 insufficient
// resources (disk full, out of memory, too many connections), 57 operator intervention (shutdown, cannot
// connect now, statement timeout), 58 system error (I/O), 25006 a server that became a read-only standby.
const UNAVAILABLE_SQLSTATE = /^(08...|53...|57...|58...|25006)$/;

// `pg` gives these errors no code: they are its own messages for a lost connection or a timeout.
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client (has encountered a connection error|was closed) and is not queryable|Cannot use a pool after calling end on the pool)/;

function isConnectionFailure(error: Error): boolean {
  if (DRIVER_MESSAGES.test(error.message)) return true;
  if (!('code' in error) || typeof error.code !== 'string') return false;
  if (SOCKET_CODES.has(error.code) || UNAVAILABLE_SQLSTATE.test(error.code)) return true;
  // A Unix socket that does not exist yet; ENOENT of other calls concerns another file.
  return error.code === 'ENOENT' && 'syscall' in error && error.syscall === 'connect';
}

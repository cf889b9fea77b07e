/** Errors as RFC 9457 problem documents, the format of every failure over HTTP. */
import { errorClass, type WeirError } from '@weir/base';

/** Media type of a problem document. */
const PROBLEM_TYPE = 'application/problem+json';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/**
 * A failure that the server itself finds. Codes that depend on one place have their hint there.
 *
 * - `internal`: an unexpected failure; its message stays in the server's log.
 * - `invalid_request`, `invalid_json`, `invalid_frame`, `invalid_message`, `invalid_encoding`: the request, or a frame, cannot be read.
 * - `unauthorized`, `insufficient_scope`, `forbidden`: no valid credential, or one without the right.
 * - `suspended`, `payment_required`, `rate_limited`: the admission gate refuses the project.
 * - `origin_not_allowed`, `host_not_allowed`: pages of this origin, or requests to this name, are rejected.
 * - `not_found`, `stream_not_found`, `usage_disabled`: the resource does not exist here.
 * - `already_open`, `already_reading`, `channel_not_open`, `subscription_exists`, `subscription_not_found`: a frame does not
 *   fit the state of its WebSocket.
 * - `message_too_large`, `body_too_large`, `headers_too_large`, `too_many_*`: over a limit, which `limit` names.
 * - `body_too_slow`, `request_timeout`: the request did not arrive in time. `client_gone`: the client closed the connection
 *   before its request was complete.
 * - `at_capacity`, `ingest_full`: memory, connections or places are in use.
 * - `draining`, `engine_unavailable`, `store_unavailable`: the server starts or stops, or a store does not answer.
 */
export class Problem extends errorClass({
  internal: { status: 500 },
  invalid_request: { status: 400 },
  invalid_json: { status: 400 },
  invalid_frame: { status: 400 },
  invalid_message: { status: 400 },
  invalid_encoding: { status: 400 },
  unauthorized: { status: 401 },
  payment_required: { status: 402 },
  insufficient_scope: { status: 403 },
  forbidden: { status: 403 },
  suspended: { status: 403 },
  origin_not_allowed: { status: 403 },
  host_not_allowed: { status: 403 },
  not_found: { status: 404 },
  stream_not_found: { status: 404 },
  usage_disabled: { status: 404 },
  method_not_allowed: { status: 405 },
  request_timeout: { status: 408 },
  body_too_slow: { status: 408, retryAfterMs: 1_000 },
  already_open: { status: 409 },
  already_reading: { status: 409 },
  channel_not_open: { status: 404 },
  subscription_exists: { status: 409 },
  subscription_not_found: { status: 404 },
  message_too_large: { status: 413 },
  body_too_large: { status: 413 },
  unsupported_encoding: { status: 415 },
  upgrade_required: { status: 426 },
  too_many_channels_open: { status: 429 },
  too_many_subscriptions: { status: 429 },
  too_many_calls: { status: 429 },
  too_many_tickets: { status: 429 },
  rate_limited: { status: 429 },
  at_capacity: { status: 429, retryAfterMs: 1_000 },
  headers_too_large: { status: 431 },
  client_gone: { status: 499 },
  unsupported_transfer_coding: { status: 501 },
  draining: { status: 503, retryAfterMs: 2_000 },
  engine_unavailable: { status: 503, retryAfterMs: 2_000 },
  store_unavailable: { status: 503, retryAfterMs: 2_000 },
  ingest_full: { status: 503, retryAfterMs: 1_000 },
}) {}

/** The text of a problem document. */
export function problemBody(error: WeirError, requestId: string): string {
  return JSON.stringify({
    type: `urn:weir:problem:${error.code}`,
    title: TITLES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...problemMembers(error),
  });
}

/** The members of a problem document besides the standard ones. */
export function problemMembers({ facts, retryAfterMs, hint }: WeirError): Record<string, unknown> {
  return { ...facts, retry_after_s: secondsOf(retryAfterMs), retry_after_ms: retryAfterMs, hint };
}

/** The headers of the answer. */
export function problemHeaders({ headers, retryAfterMs }: WeirError): Record<string, string> {
  const seconds = secondsOf(retryAfterMs);
  return {
    ...headers,
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    'content-type': PROBLEM_TYPE,
  };
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}

/** Failures of requests, as errors of the command. */
import { retryAfterMs } from '@weir/base';
import { z } from 'zod';
import { CliError, type ErrorKind } from '../cli-error.js';

const problem = z.object({
  code: z.string(),
  detail: z.string().optional(),
  title: z.string().optional(),
  hint: z.string().optional(),
  request_id: z.string().optional(),
  retry_after_s: z.number().optional(),
});

/** Statuses after which the same request may succeed. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** What to do next, as this command says it; the server's own hints speak of headers. */
const HINTS: Readonly<Record<string, string>> = {
  unauthorized: 'Check --key, --token or --operator-key and their variables; "weir doctor" tries them all',
  insufficient_scope: 'Use a key with that scope: "weir key create --scope …"',
  ingest_disabled: 'An operator switches it on with "weir ingest enable"',
  sql_required: 'Write a SELECT, such as "SELECT count() FROM events"',
};

/** The error that an answer outside 2xx is, its problem document (RFC 9457) read where it has one. */
export async function failureOf(response: Response): Promise<CliError> {
  const { status } = response;
  const parsed = problem.safeParse(await response.json().catch(() => null));
  const document = parsed.success ? parsed.data : null;
  const code = document?.code ?? `http_${status}`;
  const kind: ErrorKind = status === 401 || code === 'insufficient_scope' ? 'auth' : 'failed';
  const hint = HINTS[code] ?? document?.hint;
  const requestId = document?.request_id ?? response.headers.get('x-request-id');
  const header = response.headers.get('retry-after');
  const waitMs = retryAfterMs(header, Date.now()) ?? (document?.retry_after_s ?? 0) * 1000;
  return new CliError(kind, code, messageOf(code, document?.detail ?? `the server answered ${status}`), {
    status,
    retryable: RETRYABLE.has(status) || code === 'token_store_down',
    hint,
    requestId: requestId ?? undefined,
    retryAfterMs: waitMs > 0 ? waitMs : undefined,
  });
}

/** The operator's reason alone, such as "unpaid since March", does not say what happened. */
function messageOf(code: string, detail: string): string {
  if (code !== 'suspended' || detail.includes('project')) return detail;
  return `the project is suspended: ${detail}`;
}

/** The error that a request without an answer is. */
export function networkFailure(server: string, cause: unknown): CliError {
  const reason = reasonOf(cause);
  return new CliError('network', 'unreachable', `no answer from ${server}: ${reason}`, {
    retryable: true,
    hint: 'Start it with "weir serve", or name another with --server or WEIR_SERVER',
    cause,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'timed out',
  UND_ERR_CONNECT_TIMEOUT: 'timed out',
};

/** fetch hides the reason in the cause of its TypeError. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'timed out';
  const inner = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return REASONS[code] ?? (inner.message || code || error.message);
}

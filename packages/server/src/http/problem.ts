/** Errors as RFC 9457 problem documents, the one shape of every failure over HTTP. */

/** Media type of a problem document. */
export const PROBLEM_TYPE = 'application/problem+json';

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

/** What may stand in a problem document beside the standard members. */
export interface ProblemExtras {
  /** What to do next. */
  readonly hint?: string;
  /** The bound that was passed. */
  readonly limit?: number;
  /** Single mistakes, where there are several. */
  readonly errors?: readonly unknown[];
  /** Seconds, sent as Retry-After too. */
  readonly retryAfterSeconds?: number;
  /** Which rule refuses, and what in the request. */
  readonly rule?: string;
  readonly identifier?: string;
  /** Milliseconds, where whole seconds would be too rough; beside `retryAfterSeconds`. */
  readonly retryAfterMs?: number;
  /** The oldest place that can still be read from, and what lies before it. */
  readonly oldest?: string | number;
  readonly missed?: number;
  /** Where to go on. */
  readonly cursor?: number;
  /** Where in a query's text. */
  readonly position?: { readonly line: number; readonly column: number; readonly offset: number };
  /** Response headers that belong to the refusal. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected failure, with its status, its stable code and a sentence for the reader. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly extras: ProblemExtras;

  constructor(
    status: number,
    code: string,
    detail: string,
    extras: ProblemExtras = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.status = status;
    this.code = code;
    this.extras = extras;
  }

  /** A failure nobody foresaw: its message stays in the server's log. */
  static unexpected(cause: unknown): Problem {
    return new Problem(
      500,
      'internal',
      'something went wrong here; the server log has the details',
      {},
      { cause },
    );
  }
}

/** The document's text. */
export function problemBody(problem: Problem, requestId: string): string {
  return JSON.stringify({
    type: `urn:weir:problem:${problem.code}`,
    title: TITLES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
    ...problemMembers(problem.extras),
  });
}

/** What a problem carries beside the standard members, as JSON names it. */
export function problemMembers(extras: ProblemExtras): Record<string, unknown> {
  const { hint, limit, rule, identifier, oldest, missed, cursor, position, errors } = extras;
  const { retryAfterSeconds: retry_after_s, retryAfterMs: retry_after_ms } = extras;
  const places = { oldest, missed, cursor, position };
  return { limit, rule, identifier, ...places, retry_after_s, retry_after_ms, errors, hint };
}

/** The headers that go with it. */
export function problemHeaders(problem: Problem): Record<string, string> {
  const { retryAfterSeconds, headers } = problem.extras;
  return {
    ...headers,
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    'content-type': PROBLEM_TYPE,
  };
}

import { Backoff, boundedFetch, defined, pause, retryAfterMs } from '@weir/base';
import { errorOfDocument, WeirError } from '../weir-error.js';
import { cancelled, unreachable } from './failure.js';

/** Which server, and with which credential. */
export interface ConnectionOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sent as a bearer token; null sends none. */
  readonly credential: string | null;
  /** How long to repeat a request while the server does not answer or is overloaded, milliseconds; default 60,000. */
  readonly patienceMs?: number | undefined;
}

/** A value in the query string of a URL; a list is repeated, undefined is left out. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** One request. */
export interface Call {
  /** Default `GET`. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root of the server, its parts encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, with these headers, instead of `body`. */
  readonly raw?: {
    readonly bytes: string | Uint8Array<ArrayBuffer>;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly signal?: AbortSignal | undefined;
  /** Default that of the connection. */
  readonly patienceMs?: number | undefined;
  /** How long one try may take until the answer has been read, milliseconds. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether the server may get the request twice; default true. If false, the request is repeated only after an answer
   * that refused it (429, 503): after a lost answer nothing is known of the first try.
   */
  readonly isRepeatable?: boolean;
}

/** How long one try of a request for JSON may take. */
const TIMEOUT_MS = 30_000;
/** Statuses with which the server has done nothing. A 502 or 504 comes from a proxy, behind which work may go on. */
const REFUSED: ReadonlySet<number> = new Set([429, 503]);

/** The core of the client: requests to one server with one credential. All parts of the client build on it. */
export class Connection {
  readonly url: string;
  readonly credential: string | null;
  readonly #patienceMs: number;
  readonly #ends = new Set<() => Promise<void> | void>();

  /** @throws TypeError for a URL or credential that cannot be one */
  constructor({ url, credential, patienceMs = 60_000 }: ConnectionOptions) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new TypeError(`${url} is not the http URL of a server`);
    // The message does not show the credential: messages are logged.
    if (credential !== null && !/^[\x21-\x7e]+$/.test(credential))
      throw new TypeError('the key is not a credential (weir_sec_…): it is empty, or has a blank');
    this.url = url.replace(/\/+$/, '');
    this.credential = credential;
    this.#patienceMs = patienceMs;
  }

  /** How long requests are repeated, milliseconds. */
  get patienceMs(): number {
    return this.#patienceMs;
  }

  /** Registers what ends with the connection. @returns a function that takes it back */
  onClose(end: () => Promise<void> | void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** Ends what was opened over it: channels, workers and consumers. */
  async close(): Promise<void> {
    await Promise.all([...this.#ends].map((end) => end()));
  }

  /**
   * The JSON of a good answer; null if it is empty. A failure that may pass is repeated for `patienceMs`.
   * @throws WeirError `unreachable`, `cancelled`, `unexpected_answer`, or the code of the server
   */
  async json(call: Call): Promise<unknown> {
    const text = await this.text(call);
    if (text === '') return null;
    const value = jsonOrUndefined(text);
    if (value !== undefined) return value;
    const hint = 'check the URL';
    throw new WeirError('unexpected_answer', `${this.url} does not answer like a Weir server`, { hint });
  }

  /** The text of a good answer. Throws like {@link Connection.json}. */
  async text(call: Call): Promise<string> {
    return await this.#persist(call, async () => {
      const response = await this.#once({ timeoutMs: TIMEOUT_MS, ...defined(call) });
      try {
        return await response.text();
      } catch (error) {
        throw this.#failure(error, call.signal);
      }
    });
  }

  /**
   * A good answer with its body unread. Read or cancel the body. `timeoutMs` has no default. Throws like {@link Connection.json}.
   */
  async response(call: Call): Promise<Response> {
    return await this.#persist(call, () => this.#once(call));
  }

  /** The answer to one try, whatever its status. @throws WeirError `unreachable`, `cancelled` */
  async any(call: Call): Promise<Response> {
    const { method = 'GET', path, query, body, headers, raw, timeoutMs, signal } = call;
    const payload = raw?.bytes ?? (body === undefined ? undefined : JSON.stringify(body));
    try {
      return await boundedFetch(`${this.url}${path}${searchOf(query)}`, {
        method,
        // A redirect would turn a POST into a GET, and lead the credential elsewhere.
        redirect: 'error',
        headers: {
          ...(this.credential === null ? {} : { authorization: `Bearer ${this.credential}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
          ...raw?.headers,
        },
        ...defined({ body: payload }),
        timeoutMs,
        signal,
      });
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  async #once(call: Call): Promise<Response> {
    const response = await this.any(call);
    if (!response.ok) throw await errorOfResponse(response);
    return response;
  }

  #failure(error: unknown, signal: AbortSignal | undefined): WeirError {
    return signal?.aborted ? cancelled(signal) : unreachable(this.url, error);
  }

  async #persist<T>(call: Call, attempt: () => Promise<T>): Promise<T> {
    const { signal, patienceMs = this.#patienceMs, isRepeatable = true } = call;
    const begun = performance.now();
    const backoff = new Backoff();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof WeirError) || !error.retryable) throw error;
        if (!isRepeatable && !REFUSED.has(error.status)) throw error;
        const waited = performance.now() - begun + (error.retryAfterMs ?? 0);
        if (waited >= patienceMs) throw error;
        await pause(backoff.next(error.retryAfterMs), signal);
        if (signal?.aborted) throw cancelled(signal);
      }
    }
  }
}

/** The error that an answer outside 2xx is; its problem document (RFC 9457) is read if it has one. */
export async function errorOfResponse(response: Response): Promise<WeirError> {
  const { status, headers } = response;
  const text = await response.text().catch(() => '');
  const waitMs = retryAfterMs(headers.get('retry-after'), Date.now());
  return errorOfDocument(jsonOrUndefined(text), status, waitMs, headers.get('x-request-id') ?? undefined);
}

function searchOf(query: Call['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value) search.append(name, one);
    else if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

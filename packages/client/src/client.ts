import { Backoff, boundedFetch, pause, retryAfterMs } from '@weir/base';
import { errorOfDocument, WeirError } from './weir-error.js';

/** Which server, and as whom. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** API key (`weir_sec_…`), with the scopes `process` and `channel`. */
  readonly key: string;
  /** How long to go on with a request while the server does not answer or is overloaded, milliseconds; default 60,000. */
  readonly patienceMs?: number;
}

/** One request. */
export interface Call {
  readonly method: 'GET' | 'POST';
  /** Its parts encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Default the client's. */
  readonly patienceMs?: number;
  /** How long one try may take, milliseconds; default 30,000. */
  readonly timeoutMs?: number;
}

/** A server to talk to. */
export interface Client {
  readonly url: string;
  readonly key: string;
  /** Ends what was opened by it: channels and workers. */
  close(): Promise<void>;
  /** Has something ended with the client. @returns takes it back */
  onClose(end: () => Promise<void> | void): () => void;
  /**
   * The answer's JSON, null where there is none. What failed for a moment is tried again, so only what may be repeated
   * goes this way.
   * @throws WeirError
   */
  call(call: Call): Promise<unknown>;
}

/**
 * A client of a server.
 *
 * ```ts
 * const weir = createClient({ url: 'http://127.0.0.1:8080', key: process.env.WEIR_KEY });
 * const job = await submit(weir, { name: 'answer', executorType: 'llm', channels: [{ name: 'tokens' }] });
 * for await (const message of job.channel('tokens')) console.log(message.text());
 * await weir.close();
 * ```
 * @throws TypeError for a URL or key that cannot be one
 */
export function createClient({ url, key, patienceMs = 60_000 }: ClientOptions): Client {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new TypeError(`${url} is no http URL of a server`);
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError('the key is no API key (weir_sec_…)');
  const server = url.replace(/\/+$/, '');
  const ends = new Set<() => Promise<void> | void>();
  return {
    url: server,
    key,
    onClose: (end) => {
      ends.add(end);
      return () => ends.delete(end);
    },
    close: async () => {
      await Promise.all([...ends].map((end) => end()));
    },
    call: (call) => persist(server, key, { patienceMs, ...call }),
  };
}

/** How long one try may take. */
const TIMEOUT_MS = 30_000;

/** Tries again what failed for a moment. */
async function persist(server: string, key: string, call: Call & { patienceMs: number }): Promise<unknown> {
  const begun = performance.now();
  const backoff = new Backoff();
  for (;;) {
    try {
      return await once(server, key, call);
    } catch (error) {
      if (!(error instanceof WeirError) || !error.retryable) throw error;
      const waited = performance.now() - begun + (error.retryAfterMs ?? 0);
      if (waited >= call.patienceMs) throw error;
      await pause(backoff.next(error.retryAfterMs), call.signal);
      if (call.signal?.aborted) throw cancelled(call.signal);
    }
  }
}

async function once(
  server: string,
  key: string,
  { method, path, query = {}, body, signal, timeoutMs = TIMEOUT_MS }: Call,
): Promise<unknown> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const payload = body === undefined ? {} : { body: JSON.stringify(body) };
  let response: Response;
  let text: string;
  try {
    response = await boundedFetch(`${server}${path}${search.size === 0 ? '' : `?${search}`}`, {
      method,
      redirect: 'error',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...payload,
      timeoutMs,
      signal,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw cancelled(signal);
    throw new WeirError('unreachable', `no answer from ${server}`, {}, { cause: error });
  }
  if (response.ok) return text === '' ? null : jsonOf(text, server);
  const waitMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
  throw errorOfDocument(jsonOrNull(text), response.status, waitMs);
}

/** What ends with a signal of the caller's. */
export function cancelled(signal: AbortSignal): WeirError {
  return new WeirError('cancelled', 'cancelled by the caller', {}, { cause: signal.reason });
}

function jsonOf(text: string, server: string): unknown {
  const value = jsonOrNull(text);
  if (value !== null) return value;
  throw new WeirError('unexpected_answer', `${server} does not answer like a Weir server`);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { ConsumeError } from '../consume-error.js';
import { MAX_EVENT_BYTES, payloadText, type RawEvent } from '../raw-event.js';
import { webhookEvent } from './webhook-event.js';

/** Maximum number of concurrent connections; each may send 1 MiB. */
const CONNECTIONS = 256;

/** Grace period for pending responses on close. */
const LAST_ANSWERS_MS = 1_000;

/** Methods that carry events. */
const METHODS = ['POST', 'PUT', 'PATCH'];

/** Handles an event: `taken` once a consumer has acknowledged it, `busy` if none does in time. */
export type Taker = (event: RawEvent, bytes: number) => Promise<'taken' | 'busy'>;

// One listener per port of this process: paths on the same port share it.
const listeners = new Map<string, WebhookListener>();

/**
 * Receives requests to a path. All paths of this process on the same host and port share one server, which lives until
 * the last path is removed.
 *
 * @returns removes the path.
 * @throws ConsumeError `usage` if the process cannot listen on the port.
 */
export async function listenTo(
  host: string,
  port: number,
  path: string,
  taker: Taker,
): Promise<() => Promise<void>> {
  const name = `${host}:${port}`;
  const listener = listeners.get(name) ?? new WebhookListener(host, port, () => listeners.delete(name));
  listeners.set(name, listener);
  return await listener.add(path, taker);
}

class WebhookListener {
  readonly #takers = new Map<string, Set<Taker>>();
  readonly #answering = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    this.#answering.add(response);
    response.once('close', () => this.#answering.delete(response));
    this.#answer(request, response).catch(() => response.destroy());
  });
  readonly #listening: Promise<void>;
  readonly #host: string;
  readonly #onClosed: () => void;

  constructor(host: string, port: number, onClosed: () => void) {
    this.#host = host;
    this.#onClosed = onClosed;
    this.#listening = new Promise((resolve, reject) => {
      this.#server.once('listening', resolve);
      this.#server.once('error', (error) => {
        onClosed();
        reject(cannotListen(host, port, error));
      });
    });
    this.#server.maxConnections = CONNECTIONS;
    this.#server.listen(port, host);
  }

  async add(path: string, taker: Taker): Promise<() => Promise<void>> {
    const takers = this.#takers.get(path) ?? new Set();
    this.#takers.set(path, takers.add(taker));
    await this.#listening;
    return async () => {
      takers.delete(taker);
      if ([...this.#takers.values()].every(({ size }) => size === 0)) await this.#close();
    };
  }

  async #close(): Promise<void> {
    this.#onClosed();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // Let pending requests get their response first.
    const timer = setTimeout(() => this.#server.closeAllConnections(), LAST_ANSWERS_MS);
    await Promise.all(
      [...this.#answering].map((response) => new Promise((resolve) => response.once('close', resolve))),
    );
    clearTimeout(timer);
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isForeign(request.headers.host, this.#host)) {
      const detail = `this machine's own address is ${this.#host}: have the tunnel send that as Host, or listen on another`;
      return refuse(response, 421, 'misdirected_request', detail);
    }
    const url = new URL(`http://webhook${request.url?.startsWith('/') ? request.url : '/'}`);
    const takers = this.#takers.get(url.pathname);
    if (takers === undefined)
      return refuse(response, 404, 'not_found', `no consumer listens to ${url.pathname}`);
    if (isFromPage(request.headers)) {
      return refuse(response, 403, 'origin_not_allowed', 'requests from browser pages are not accepted');
    }
    if (!METHODS.includes(request.method ?? '')) {
      const allow = METHODS.join(', ');
      return refuse(response, 405, 'method_not_allowed', `events come by ${allow}`, { allow });
    }
    const body = await bodyOf(request);
    const event = body && webhookEvent(request, url, body);
    const bytes = event === undefined ? Number.POSITIVE_INFINITY : Buffer.byteLength(payloadText(event));
    if (event === undefined || bytes > MAX_EVENT_BYTES) {
      return refuse(response, 413, 'body_too_large', 'a request may have 1 MiB, with its headers');
    }
    const answers = await Promise.all([...takers].map((take) => take(event, bytes)));
    if (answers.includes('taken')) response.writeHead(202).end();
    else
      refuse(response, 503, 'at_capacity', 'no consumer accepts events of this path now', {
        'retry-after': '1',
      });
  }
}

/** A host that only this machine can reach. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

// DNS rebinding: a page can resolve its own name to this machine and is then same-origin. Its Host header reveals it.
function isForeign(host: string | undefined, listening: string): boolean {
  if (host === undefined || !LOOPBACK.test(listening)) return false;
  return !LOOPBACK.test(host.replace(/:\d+$/, ''));
}

// A web page can send requests to local ports. Browsers mark these with headers that other senders do not set.
function isFromPage({ origin, 'sec-fetch-site': site = 'none' }: IncomingHttpHeaders): boolean {
  return origin !== undefined || site !== 'none';
}

/**
 * Reads the body; undefined if it exceeds 1 MiB. Then the rest is read and discarded, so that the client reads the
 * response.
 */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes <= MAX_EVENT_BYTES) pieces.push(piece);
    else if (bytes > 16 * MAX_EVENT_BYTES) return undefined;
  }
  return bytes <= MAX_EVENT_BYTES ? Buffer.concat(pieces) : undefined;
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ title: code.replaceAll('_', ' '), status, code, detail }));
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): ConsumeError {
  const isTaken = cause.code === 'EADDRINUSE';
  return new ConsumeError(
    'usage',
    isTaken ? 'port_taken' : 'cannot_listen',
    isTaken
      ? `Port ${port} of ${host} is in use by another program.`
      : `Cannot listen on ${host}:${port}: ${cause.message}`,
    { param: 'port', hint: 'Stop it, or use another port: -p port=8788.', cause },
  );
}

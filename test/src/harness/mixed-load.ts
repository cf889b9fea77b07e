import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from './wait-until.js';
import type { WeirProcess } from './weir-process.js';

const CLIENTS = 6;
const RETRY_MS = 50;

interface Wanted {
  readonly path: string;
  readonly credential: string;
  readonly body: object;
  readonly headers?: Record<string, string>;
}

/** Clients of several surfaces, each request with an id of its own and sent once. */
export class MixedLoad {
  /** Ids of requests whose answer arrived whole. */
  readonly whole = new Set<string>();
  readonly #weir: WeirProcess;
  readonly #random: () => number;
  readonly #clients: Promise<void>[];
  #sent = 0;
  #isStopping = false;

  constructor(weir: WeirProcess, random: () => number) {
    this.#weir = weir;
    this.#random = random;
    this.#clients = Array.from({ length: CLIENTS }, () => this.#run());
    // A client that fails shows in stop().
    for (const client of this.#clients) client.catch(() => {});
  }

  get sent(): number {
    return this.#sent;
  }

  /** Waits until so many further requests have been answered. */
  async progress(requests: number): Promise<void> {
    const wanted = this.whole.size + requests;
    await waitUntil(`${requests} more answers`, () => this.whole.size >= wanted, 60_000);
  }

  /** Sends no more, and waits for what was sent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const rid = randomUUID();
      this.#sent += 1;
      try {
        const { path, credential, body, headers } = this.#wanted();
        const response = await fetch(this.#weir.url + path, {
          method: 'POST',
          headers: {
            'x-request-id': rid,
            'content-type': 'application/json',
            authorization: `Bearer ${credential}`,
            ...headers,
          },
          body: JSON.stringify(body),
        });
        await response.text();
        this.whole.add(rid);
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }

  #wanted(): Wanted {
    const { project, token, key } = this.#weir;
    const query = `/api/v1/projects/${project}/query`;
    const ingest = '/api/v1/ingest/events';
    const kind = this.#random();
    if (kind < 0.6) {
      const size = 1 + Math.floor(this.#random() * 5);
      const events = Array.from({ length: size }, () => ({ event: 'e', timestamp: Date.now() }));
      return { path: ingest, credential: token, body: { events } };
    }
    if (kind < 0.7) return { path: ingest, credential: 'weir_pub_0', body: { events: [] } };
    if (kind < 0.8) return { path: query, credential: key, body: { sql: 'SELECT count() FROM events' } };
    if (kind < 0.85) {
      const sql = 'SELECT number, randomPrintableASCII(100) FROM numbers(20000)';
      return { path: query, credential: key, body: { sql, format: 'ndjson' } };
    }
    if (kind < 0.9) return { path: query, credential: key, body: { sql: 'SELECT nonsense' } };
    return {
      path: '/mcp',
      credential: key,
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_events', arguments: {} } },
      headers: { accept: 'application/json, text/event-stream' },
    };
  }
}

/**
 * Clients as they should be: every event has an id, and a request that was not acknowledged is sent again with the same
 * ids. What was acknowledged is written down, to be reckoned up with what is stored.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomNumbers } from './random.js';
import { waitUntil } from './wait-until.js';
import type { SendAnswer } from './weir-project.js';

/** Where a load goes and what it is made of. */
export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  /** Events of a request, one number a client. */
  readonly batches: readonly number[];
  readonly seed: number;
  /** Starts every event_id, so that several loads can be told apart. */
  readonly name?: string;
}

/** How long a client waits before it sends again. */
const RETRY_MS = 40;
/** Share of requests that a client gives up after the first failure. */
const GIVES_UP = 0.1;
/** Share of requests that a client sends once more after they were acknowledged. */
const REPEATS = 0.05;

/** Sends until it is told to stop. */
export class Load {
  /** Ids of events a 202 stands for. */
  readonly acknowledged = new Set<string>();
  /** Ids of events whose client gave up on them: they may be stored, once. */
  readonly abandoned = new Set<string>();
  /** A receipt now and then, for asking afterwards. */
  readonly receipts: string[] = [];
  /** Answers by status, "none" where there was none. */
  readonly answers = new Map<string, number>();
  readonly #options: LoadOptions;
  readonly #stopping = new AbortController();
  readonly #clients: Promise<void>[];
  #requests = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clients = options.batches.map((size, client) => this.#run(client, size));
    // A client that fails shows in stop().
    for (const client of this.#clients) client.catch(() => {});
  }

  /** What every event_id starts with. */
  get name(): string {
    return this.#options.name ?? 'load';
  }

  /** Acknowledged requests. */
  get requests(): number {
    return this.#requests;
  }

  /** Waits until so many further requests have been acknowledged. */
  async progress(requests: number, timeoutMs = 60_000): Promise<void> {
    const wanted = this.#requests + requests;
    await waitUntil(
      `${requests} more acknowledged requests`,
      () => this.#requests >= wanted,
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; answers: ${JSON.stringify([...this.answers])}`);
    });
  }

  /** Begins no further requests, and waits until those begun are acknowledged. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#clients);
  }

  async #run(client: number, size: number): Promise<void> {
    const { seed } = this.#options;
    const { name } = this;
    const random = randomNumbers(seed + client);
    for (let request = 0; !this.#stopping.signal.aborted; request += 1) {
      const ids = Array.from({ length: size }, (_, i) => `${name}-${client}-${request}-${i}`);
      const body = JSON.stringify({
        events: ids.map((event_id, i) => ({
          event: i % 3 === 0 ? 'page viewed' : 'clicked',
          event_id,
          user_id: `user ${client}`,
          timestamp: Date.now(),
          properties: { request, path: `/pages/${i}`, text: 'ä'.repeat(40) },
        })),
      });
      const isStored = await this.#deliver(body, random() < GIVES_UP);
      for (const id of ids) (isStored ? this.acknowledged : this.abandoned).add(id);
      if (isStored && random() < REPEATS) await this.#deliver(body, false, size);
    }
  }

  /** False where the client gave up. */
  async #deliver(body: string, givesUp: boolean, wantedDuplicates = 0): Promise<boolean> {
    for (;;) {
      const answer = await this.#post(body);
      if (answer !== null) {
        const { accepted = 0, duplicates = 0, rejected = 0, receipt } = answer;
        if (rejected > 0 || accepted + duplicates === 0)
          throw new Error(`answered ${JSON.stringify(answer)}`);
        if (wantedDuplicates > 0 && duplicates !== wantedDuplicates) {
          throw new Error(`a repeated request was answered ${JSON.stringify(answer)}`);
        }
        if (receipt !== undefined && this.#requests % 50 === 0) this.receipts.push(receipt);
        this.#requests += 1;
        return true;
      }
      if (givesUp) return false;
      await sleep(RETRY_MS);
    }
  }

  /** The answer of a 202; null for everything after which a client sends again. */
  async #post(body: string): Promise<SendAnswer | null> {
    const { url, token } = this.#options;
    let status = 'none';
    try {
      const response = await fetch(`${url}/api/v1/ingest/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body,
        signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      status = String(response.status);
      if (response.status === 202) return JSON.parse(text) as SendAnswer;
      if (response.status < 500) throw new TypeError(`${status} ${text}`);
      status = `${status} ${(JSON.parse(text) as SendAnswer).code ?? ''}`;
      return null;
    } catch (error) {
      // fetch fails with a TypeError too; what the server itself refused for good is told apart by its status.
      if (status !== 'none' && status < '500') throw error;
      return null;
    } finally {
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    }
  }
}

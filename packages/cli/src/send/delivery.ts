/** Delivers one batch with retries. */

import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Backoff, pause } from '@weir/base';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import { CliError } from '../cli-error.js';
import type { Batch } from './batch.js';

const compress = promisify<Uint8Array, { level: number }, Buffer<ArrayBuffer>>(gzip);

const ingestAnswer = z.object({
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.number(),
  errors: z.array(z.object({ index: z.number(), reason: z.string() })).default([]),
});

/** The server's response to a batch; indexes are relative to the batch. */
export type IngestAnswer = z.output<typeof ingestAnswer>;

/** Retry limits, in milliseconds. */
export interface Patience {
  /** Limit once the server has answered at least once. */
  readonly retryForMs: number;
  /** Limit before the first answer; short, so that a wrong address is reported soon. */
  readonly firstRetryForMs: number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A server that accepts the connection and never answers counts as unreachable. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Delivers batches. Retries are safe, because each event has an id. */
export class Delivery {
  readonly #api: ApiClient;
  readonly #patience: Patience;
  #hasAnswered = false;
  #retries = 0;

  /** @param api client with an ingest token */
  constructor(api: ApiClient, patience: Patience) {
    this.#api = api;
    this.#patience = patience;
  }

  /** Number of retried requests. */
  get retries(): number {
    return this.#retries;
  }

  /**
   * Sends a batch; splits it in halves if it exceeds the server's limit.
   * @throws CliError if the server rejects it permanently, or beyond the retry limits
   */
  async deliver(batch: Batch): Promise<IngestAnswer> {
    try {
      return await this.#persist(batch);
    } catch (error) {
      const isTooLarge = error instanceof CliError && error.status === 413;
      if (!isTooLarge) throw error;
      if (batch.length === 1) {
        return { accepted: 0, duplicates: 0, rejected: 1, errors: [{ index: 0, reason: error.message }] };
      }
      const middle = batch.length >> 1;
      const first = await this.deliver(batch.slice(0, middle));
      return joined(first, await this.deliver(batch.slice(middle)), middle);
    }
  }

  async #persist(batch: Batch): Promise<IngestAnswer> {
    const bytes = await compress(Buffer.concat(batch.flatMap(({ bytes }) => [bytes, NEWLINE])), {
      level: constants.Z_BEST_SPEED,
    });
    const started = performance.now();
    const backoff = new Backoff({ firstMs: FIRST_PAUSE_MS, longestMs: LONGEST_PAUSE_MS });
    for (;;) {
      try {
        const answer = await this.#post(bytes);
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        const waitMs = this.#waitAfter(CliError.from(error), backoff, performance.now() - started);
        this.#retries += 1;
        await pause(waitMs);
      }
    }
  }

  async #post(bytes: Uint8Array<ArrayBuffer>): Promise<IngestAnswer> {
    return await this.#api.json(ingestAnswer, {
      method: 'POST',
      path: '/api/v1/ingest/events',
      raw: {
        bytes,
        headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      },
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
  }

  /** Delay before the next attempt. Throws the error if there is none. */
  #waitAfter(error: CliError, backoff: Backoff, elapsedMs: number): number {
    if (error.status > 0) this.#hasAnswered = true;
    const budget = this.#hasAnswered ? this.#patience.retryForMs : this.#patience.firstRetryForMs;
    const waitMs = backoff.next(error.retryAfterMs);
    if (!error.retryable || elapsedMs + waitMs > budget) throw error;
    return waitMs;
  }
}

const NEWLINE = Buffer.from('\n');

function joined(first: IngestAnswer, second: IngestAnswer, offset: number): IngestAnswer {
  return {
    accepted: first.accepted + second.accepted,
    duplicates: first.duplicates + second.duplicates,
    rejected: first.rejected + second.rejected,
    errors: [
      ...first.errors,
      ...second.errors.map(({ index, reason }) => ({ index: index + offset, reason })),
    ],
  };
}

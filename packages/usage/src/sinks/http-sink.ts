import { boundedFetch, retryAfterMs } from '@weir/base';
import type { Sink, UsageEvent } from '@weir/extension';
import { cloudEventOf } from './cloud-event.js';
import { EventBatches } from './event-batches.js';
import { type HttpSinkOptions, type Receiver, receiverOf } from './http-settings.js';

/** Bytes read of an answer's body, to reuse its connection; the content is ignored. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends records as CloudEvents, in structured batches
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format), by POST. A
 * batch is stored when a complete 2xx answer arrives; any other answer rejects, also a redirect, so that the token is
 * not sent elsewhere. A `Retry-After` of the answer is respected. Records are resent after a failure: the receiver
 * deduplicates them by `source` and `id`.
 */
export class HttpSink implements Sink {
  readonly name = 'http';
  readonly #receiver: Receiver;
  readonly #timeoutMs: number;
  readonly #batches: EventBatches;

  /** Throws if the settings contradict each other. */
  constructor(options: HttpSinkOptions) {
    this.#receiver = receiverOf(options);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#batches = new EventBatches((events, signal) => this.#send(events, signal), {
      size: options.batch ?? 500,
    });
  }

  /** Records that arrived after `close`. */
  get ignored(): number {
    return this.#batches.ignored;
  }

  writeEvent(event: UsageEvent): Promise<void> | undefined {
    return this.#batches.write(event);
  }

  close(signal: AbortSignal): Promise<void> {
    return this.#batches.close(signal);
  }

  async #send(events: readonly UsageEvent[], closing: AbortSignal): Promise<void> {
    const { url, name, authorization } = this.#receiver;
    let status: number;
    let waitMs: number | undefined;
    try {
      const response = await boundedFetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/cloudevents-batch+json; charset=UTF-8',
          ...(authorization === null ? {} : { authorization }),
        },
        body: JSON.stringify(events.map(cloudEventOf)),
        timeoutMs: this.#timeoutMs,
        signal: closing,
      });
      status = response.status;
      waitMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
      await drain(response.body);
    } catch (error) {
      throw new Error(`${name} did not accept ${events.length} usage records: ${reasonOf(error)}`);
    }
    if (status < 200 || status > 299) {
      const refusal = new Error(
        `${name} did not accept ${events.length} usage records: it answered ${status}`,
      );
      throw waitMs === undefined ? refusal : Object.assign(refusal, { retryAfterMs: waitMs });
    }
  }
}

async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_ANSWER_BYTES) return;
  }
}

/** The error's name or its system code, never its text, which may contain the URL. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed';
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  for (const one of [error.cause, error]) {
    if (one instanceof Error && 'code' in one && typeof one.code === 'string') return one.code;
  }
  return 'the connection failed';
}

import { Backoff, boundedFetch, defined, pause, retryAfterMs } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import { type EventOutput, type EventSink, SinkFailure, textOf } from './event-sink.js';

/** Retry limits. Times are in milliseconds. */
export interface PostLimits {
  /** Default 5. */
  readonly tries: number;
  /** Timeout of one attempt; default 30 s. */
  readonly timeoutMs: number;
  /** Delay before the second attempt; doubles each time. Default 250 ms. */
  readonly firstWaitMs: number;
  /** Longest delay, even if Retry-After asks for more. Default 30 s. */
  readonly longestWaitMs: number;
}

const DEFAULTS: PostLimits = { tries: 5, timeoutMs: 30_000, firstWaitMs: 250, longestWaitMs: 30_000 };

/**
 * Posts each event to a URL: as `application/json`, or `application/x-ndjson` if the event has several lines, with the
 * headers `weir-event-id` and `weir-cursor`. Any 2xx is success. No answer, 408, 429 and 5xx are retried; after the
 * last attempt, and for any other status, the event has failed.
 */
export class PostSink implements EventSink {
  readonly #url: URL;
  readonly #limits: PostLimits;

  /** @throws ConsumeError `usage` if the URL is not http or https, or contains a password. */
  constructor(url: string, limits: Partial<PostLimits> = {}) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
    if (parsed === undefined || !isHttp || parsed.username !== '' || parsed.password !== '') {
      throw new ConsumeError('usage', 'invalid_url', 'The URL to post to cannot be used.', {
        param: 'post',
        hint: 'Write it as https://host/path, without user and password.',
      });
    }
    this.#url = parsed;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  async write(output: EventOutput, hurry: AbortSignal): Promise<void> {
    const { tries, firstWaitMs, longestWaitMs } = this.#limits;
    const backoff = new Backoff({ firstMs: firstWaitMs, longestMs: longestWaitMs });
    for (let made = 1; ; made += 1) {
      const failure = await this.#try(output, hurry);
      if (failure === undefined) return;
      if (!failure.isRetryable) throw new SinkFailure(failure.message);
      if (made === tries || hurry.aborted)
        throw new SinkFailure(`${failure.message}, tried ${made} time${made === 1 ? '' : 's'}`);
      const waitMs = Math.min(longestWaitMs, Math.max(backoff.next(), failure.waitMs));
      await pause(waitMs, hurry);
    }
  }

  async #try(output: EventOutput, hurry: AbortSignal): Promise<PostFailure | undefined> {
    const { item, lines } = output;
    try {
      const response = await boundedFetch(this.#url, {
        method: 'POST',
        body: textOf(output),
        headers: {
          'content-type': lines.length === 1 ? 'application/json' : 'application/x-ndjson',
          // Ids may contain characters that a header must not.
          'weir-event-id': encodeURIComponent(item.event.event_id),
          ...defined({ 'weir-cursor': item.cursor }),
        },
        redirect: 'manual',
        timeoutMs: this.#limits.timeoutMs,
        signal: hurry,
      });
      await response.body?.cancel();
      const { status } = response;
      if (response.ok) return undefined;
      return {
        message: `${this.#url.host} answered ${status}`,
        isRetryable: status === 408 || status === 429 || status >= 500,
        waitMs: retryAfterMs(response.headers.get('retry-after'), Date.now()) ?? 0,
      };
    } catch (error) {
      const reason =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      return { message: `no answer from ${this.#url.host}: ${reason}`, isRetryable: true, waitMs: 0 };
    }
  }
}

interface PostFailure {
  readonly message: string;
  readonly isRetryable: boolean;
  readonly waitMs: number;
}

import { boundedFetch } from '@weir/base';
import { afterSilence } from '@weir/base/node';
import { feedRefusal } from './feed-refusal.js';
import { SourceInterrupted } from './source-errors.js';
import { type SseBlock, SseParser } from './sse-parser.js';

/** What one connection to the feed asks for. */
export interface FeedRequest {
  /** The feed's URL with what is asked of it, but for where to begin. */
  readonly url: URL;
  /** API key. */
  readonly key: string;
  /** A cursor, `earliest`, `latest` or a time. */
  readonly after: string;
  /** How long the server may take to answer. */
  readonly answerMs: number;
  /** Silence after which the connection is taken for dead. */
  readonly silenceMs: number;
  /** The error that an answer other than 200 is; default that of the feed. */
  readonly refusalOf?: (response: Response, now: number) => Promise<Error>;
}

/**
 * One connection to the feed: its blocks, as they come. It ends only with an error: however it ended, the feed goes on.
 *
 * @throws SourceInterrupted, SourceGap or ConsumeError; the signal's reason once it has aborted.
 */
export async function* feedConnection(
  { url, key, after, answerMs, silenceMs, refusalOf = feedRefusal }: FeedRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly SseBlock[], never> {
  const controller = new AbortController();
  const giveUp = () => controller.abort();
  signal.throwIfAborted();
  signal.addEventListener('abort', giveUp, { once: true });
  // Only while something is awaited: a consumer that takes its time is no silence of the server.
  const awaited = async <T>(work: Promise<T>, ms = silenceMs): Promise<T> => {
    let isSilent = false;
    const forget = afterSilence(ms, () => {
      isSilent = true;
      giveUp();
    });
    const [result, cause] = await work.then(
      (value) => [{ value }] as const,
      (error: unknown) => [undefined, error] as const,
    );
    forget();
    signal.throwIfAborted();
    if (isSilent) throw new SourceInterrupted(`nothing came for ${Math.round(ms / 100) / 10} s`, { cause });
    if (result === undefined) throw new SourceInterrupted(reasonOf(cause), { cause });
    return result.value;
  };
  try {
    const from = new URL(url);
    from.searchParams.set('after', after);
    const response = await awaited(
      boundedFetch(from, {
        headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
        // A redirect would lead the key elsewhere.
        redirect: 'error',
        signal: controller.signal,
      }),
      answerMs,
    );
    if (response.status !== 200) throw await awaited(refusalOf(response, Date.now()));
    if (response.body === null) throw new SourceInterrupted('the server sent nothing', { isAnswered: true });
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await awaited(reader.read());
      if (done) throw new SourceInterrupted('the server ended the stream', { isAnswered: true });
      const blocks = parser.push(decoder.decode(value, { stream: true }));
      if (blocks.length > 0) yield blocks;
    }
  } finally {
    giveUp();
    signal.removeEventListener('abort', giveUp);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
};

// fetch hides the reason in the cause of its TypeError.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return REASONS[code] ?? (inner.message || code || error.message);
}

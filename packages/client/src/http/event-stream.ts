import { afterSilence } from '@weir/base';
import { errorOfDocument, WeirError } from '../weir-error.js';
import { type Connection, errorOfResponse, type QueryValue } from './connection.js';
import { cancelled, failureReason, unreachable } from './failure.js';
import { type SseBlock, SseParser } from './sse-parser.js';

/** What one event stream asks for. */
export interface EventStreamRequest {
  /** From the root of the server, its parts encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** How long the server may take to answer, milliseconds; default 15,000. */
  readonly answerMs?: number;
  /** Silence after which the connection counts as dead, milliseconds; default 45,000: the server sends a comment every 15 s. */
  readonly silenceMs?: number;
}

/**
 * One connection to an event stream: its blocks, as they come. It ends only with an error: a caller connects again from its
 * last cursor. The time in which the caller handles blocks is not silence of the server.
 *
 * @throws WeirError `unreachable` (no answer), `interrupted` (the stream broke, ended or is silent), `cancelled`, or the code
 * of the server
 */
export async function* eventStream(
  connection: Connection,
  { path, query, answerMs = 15_000, silenceMs = 45_000 }: EventStreamRequest,
  signal?: AbortSignal,
): AsyncGenerator<readonly SseBlock[], never> {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort();
  if (signal?.aborted) throw cancelled(signal);
  signal?.addEventListener('abort', giveUp, { once: true });
  const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
    let isSilent = false;
    const forget = afterSilence(ms, () => {
      isSilent = true;
      giveUp();
    });
    try {
      return await work;
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      throw isSilent ? new Error(`nothing came for ${Math.round(ms / 100) / 10} s`) : error;
    } finally {
      forget();
    }
  };
  try {
    const answer = connection.any({
      path,
      ...(query === undefined ? {} : { query }),
      headers: { accept: 'text/event-stream' },
      signal: controller.signal,
    });
    const response = await within(answerMs, answer).catch((error: unknown) => {
      throw error instanceof WeirError ? error : unreachable(connection.url, error);
    });
    if (response.status !== 200) throw await within(silenceMs, errorOfResponse(response));
    if (response.body === null) throw new WeirError('interrupted', 'the server sent nothing');
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await within(silenceMs, reader.read()).catch((error: unknown) => {
        if (error instanceof WeirError) throw error;
        throw new WeirError('interrupted', failureReason(error), {}, { cause: error });
      });
      if (done) throw new WeirError('interrupted', 'the server ended the stream');
      const blocks = parser.push(decoder.decode(value, { stream: true }));
      if (blocks.length > 0) yield blocks;
    }
  } finally {
    giveUp();
    signal?.removeEventListener('abort', giveUp);
  }
}

/** The error that a server reports inside a stream, as the data of an `error` event. @throws SyntaxError if it is not JSON */
export function errorOfData(data = '{}'): WeirError {
  const document: unknown = JSON.parse(data);
  const isObject = typeof document === 'object' && document !== null;
  const status =
    isObject && 'status' in document && typeof document.status === 'number' ? document.status : 0;
  return errorOfDocument(document, status);
}

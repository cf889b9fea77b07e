import { Slice } from '@weir/base';
import { LogError } from '@weir/log';
import type { Held } from '../commit/live-cache.js';
import type { PreparedAppend } from './append-queue.js';
import { isJson, isSameType } from './content-type.js';
import { messagesOf } from './json-messages.js';
import { indexOf, offsetAt, readAppends, segmentsOf } from './lineage.js';
import type { LiveState, LiveStream, Surroundings } from './live-stream.js';
import type { Producer } from './producers.js';
import { StreamError } from './stream-error.js';
import type { AppendOutcome, AppendRequest, Page, StreamInfo, StreamSource } from './stream-source.js';

const PAGE_BYTES = 1024 * 1024;

/** An opened stream: bound to one generation, not to a later stream of the same name. */
export class OpenedStream implements StreamSource {
  readonly release: () => void;
  readonly #live: LiveStream;
  readonly #around: Surroundings;
  readonly #generation: number;

  /** @throws StreamError `stream_not_found`, `stream_deleted` */
  constructor({ value: live, release }: Held<LiveStream>, around: Surroundings) {
    this.#live = live;
    this.#around = around;
    this.#generation = live.present().record.generation;
    this.release = release;
  }

  get info(): StreamInfo {
    const { record, last } = this.#state;
    const { generation, contentType, expiry, closed } = record;
    return {
      generation,
      contentType,
      isJson: isJson(contentType),
      expiry,
      offset: offsetAt(record, last),
      isClosed: closed,
    };
  }

  locate(offset: string): number {
    const { record, last } = this.#state;
    if (offset === '-1') return 0;
    return offset === 'now' ? last : indexOf(record, last, offset);
  }

  offsetOf(place: number): string {
    return offsetAt(this.#state.record, place);
  }

  async read(place: number, maxBytes = PAGE_BYTES): Promise<Page> {
    const { record, last } = this.#state;
    this.#live.touch();
    const segments = segmentsOf(this.#live.key, record, last);
    const reach = { after: place, maxBytes, owner: this.#live.key.project };
    const appends = await readAppends(this.#around.log, segments, reach).catch((error: unknown) => {
      // If the stream was removed meanwhile, throw that error instead.
      if (error instanceof LogError && error.code === 'cursor_expired') this.#live.present(this.#generation);
      throw error;
    });
    // If the stream was removed and created again meanwhile, the bytes may belong to the new one; throw instead.
    this.#live.present(this.#generation);
    const next = place + appends.length;
    const isTail = next >= last;
    return {
      payloads: appends.map(({ payload }) => payload),
      messages: appends.reduce((sum, { messages }) => sum + messages, 0),
      next,
      isTail,
      isEnd: isTail && record.closed,
    };
  }

  async changed(
    place: number,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const { last, record } = this.#state;
      const left = end - performance.now();
      if (last > place || record.closed || signal.aborted || left <= 0) return;
      await this.#live.changed(left, signal);
    }
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    return await this.#live.appends.append(await this.#prepare(request));
  }

  async #prepare({ body, contentType, producer, seq, close }: AppendRequest): Promise<PreparedAppend> {
    const { record } = this.#state;
    checkWriter(producer, seq);
    const generation = this.#generation;
    if (body.byteLength === 0) {
      if (close) return { generation, payload: body, messages: 0, producer, seq, close };
      throw new StreamError('invalid_message', 'the body is empty', {
        hint: 'send content, or Stream-Closed: true to close the stream',
      });
    }
    if (contentType === null) {
      throw new StreamError('invalid_message', 'the request has no Content-Type', {
        hint: `send Content-Type: ${record.contentType}`,
      });
    }
    if (!isSameType(contentType, record.contentType)) {
      throw new StreamError('content_type_mismatch', `the stream holds ${record.contentType}`);
    }
    if (!isJson(record.contentType)) return { generation, payload: body, messages: 1, producer, seq, close };
    const { payload, count } = await messagesOf(body, new Slice({ owner: this.#live.key.project }));
    if (count === 0) throw new StreamError('invalid_message', 'an empty array holds no message');
    return { generation, payload, messages: count, producer, seq, close };
  }

  get #state(): LiveState {
    return this.#live.present(this.#generation);
  }
}

const MAX_ID_BYTES = 256;

function checkWriter(producer: Producer | null, seq: string | null): void {
  if (seq !== null && !isShort(seq)) {
    throw new StreamError('invalid_message', `Stream-Seq has 1 to ${MAX_ID_BYTES} bytes`);
  }
  if (producer === null) return;
  if (isShort(producer.id)) return;
  throw new StreamError('invalid_producer', `Producer-Id has 1 to ${MAX_ID_BYTES} bytes`);
}

function isShort(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= MAX_ID_BYTES;
}

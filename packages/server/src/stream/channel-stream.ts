import { Slice } from '@weir/base';
import {
  type Appended,
  type Caller,
  ChannelError,
  type ChannelView,
  type NewMessage,
  type Router,
} from '@weir/channel';
import type { Processes, Who } from '@weir/channel/process';
import {
  type AppendOutcome,
  type AppendRequest,
  type Page,
  type Producer,
  StreamError,
  type StreamInfo,
  type StreamSource,
} from '@weir/channel/stream';
import { messageDocument, type PayloadForm } from '../channel/message-document.js';
import { stillReads } from '../channel/still-reads.js';
import { CHANNEL_CONTENT_TYPE, channelMessagesOf } from './channel-messages.js';
import { isStored, nextSequence, placeAt, storedSequences } from './producer-sequence.js';
import type { SenderTurns } from './sender-turns.js';

/** Dependencies of a {@link ChannelStream}. */
export interface ChannelStreamParts {
  readonly processes: Processes;
  readonly turns: SenderTurns;
  readonly projectId: string;
  readonly processId: string;
  /** The id of the channel. */
  readonly id: string;
  readonly who: Who;
  /** The role of the caller in the process. */
  readonly caller: Caller;
  /** The form of payloads when read. */
  readonly form: PayloadForm;
}

const PAGE_BYTES = 1024 * 1024;
/** Minimum size of a message as JSON. */
const LEAST_BYTES = 150;
const OFFSET = /^\d{16}$/;
/** Attempts to store a message: a sender that also numbers messages itself may take the same sequence concurrently. */
const TRIES = 5;

/** A channel opened as a stream: a place is an index, and an append is a message. */
export class ChannelStream implements StreamSource {
  readonly #parts: ChannelStreamParts;
  readonly #router: Router;
  /** The state at the last check. */
  #view: ChannelView;

  private constructor(parts: ChannelStreamParts, view: ChannelView) {
    this.#parts = parts;
    this.#router = parts.processes.router;
    this.#view = view;
  }

  /** @throws ChannelError `channel_not_found`, `channel_gone`, `forbidden`, `stale_attempt` */
  static async open(parts: ChannelStreamParts): Promise<ChannelStream> {
    return new ChannelStream(parts, await parts.processes.router.inspect(parts.id, parts.caller));
  }

  get info(): StreamInfo {
    const { lastIndex, end } = this.#view;
    return {
      // A channel is never created again, so it has one generation.
      generation: 0,
      contentType: CHANNEL_CONTENT_TYPE,
      isJson: true,
      expiry: { kind: 'never' },
      offset: this.offsetOf(lastIndex),
      isClosed: end !== undefined,
    };
  }

  /** The start of the stream is the oldest retained message. */
  locate(offset: string): number {
    const { lastIndex, entries } = this.#view;
    if (offset === '-1') return lastIndex - entries;
    if (offset === 'now') return lastIndex;
    if (OFFSET.test(offset) && Number(offset) <= lastIndex) return Number(offset);
    throw new StreamError(
      'invalid_offset',
      `${JSON.stringify(offset.slice(0, 100))} is no offset of this channel`,
    );
  }

  offsetOf(place: number): string {
    return String(place).padStart(16, '0');
  }

  async read(place: number, maxBytes = PAGE_BYTES): Promise<Page> {
    const { processes, projectId, processId, id, who, caller, form } = this.#parts;
    if (!(await stillReads(processes, projectId, processId, who))) {
      throw new ChannelError('forbidden', `the caller may no longer read channel ${id}`);
    }
    const { entries } = await this.#router
      .readAfter(id, caller, place, Math.ceil(maxBytes / LEAST_BYTES), { maxBytes, owner: projectId })
      .catch((error: unknown) => {
        throw this.#withOffset(error);
      });
    const payloads: Buffer[] = [];
    let next = place;
    let bytes = 0;
    const slice = new Slice({ owner: projectId });
    for (const entry of entries) {
      if (slice.isOver) await slice.next();
      const payload = Buffer.from(JSON.stringify(messageDocument(entry, form)));
      bytes += payload.byteLength;
      if (payloads.length > 0 && bytes > maxBytes) break;
      payloads.push(payload);
      next = entry.index;
    }
    await this.#look();
    const { lastIndex, end } = this.#view;
    const isTail = next >= lastIndex;
    return { payloads, messages: payloads.length, next, isTail, isEnd: isTail && end !== undefined };
  }

  async changed(
    place: number,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<void> {
    const { id, caller } = this.#parts;
    await this.#router
      .readAfter(id, caller, place, 1, { waitMs: timeoutMs, signal })
      .catch((error: unknown) => {
        throw this.#withOffset(error);
      });
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const messages = await channelMessagesOf(request, this.#parts.projectId);
    const isMereClose = request.body.byteLength === 0;
    return await this.#parts.turns.run(`${this.#parts.id}/${this.#view.role}`, async () => {
      await this.#look();
      const isDuplicate = await this.#store(messages, request.producer).catch((error: unknown) => {
        if (isMereClose && isOver(error)) return true;
        throw this.#asClosed(error);
      });
      await this.#look();
      const { offset, isClosed } = this.info;
      return {
        offset,
        isClosed,
        isDuplicate,
        messages: messages.length,
        bytes: messages.reduce((sum, { payload }) => sum + payload.byteLength, 0),
        producer: request.producer === null ? null : placeAt(this.#view.sequence),
      };
    });
  }

  release(): void {
    // This object holds no resources.
  }

  /** Resolves with whether they were already stored. */
  async #store(messages: readonly NewMessage[], producer: Producer | null): Promise<boolean> {
    if (producer === null) return await this.#storeNext(messages);
    const last = this.#view.sequence;
    if (isStored(placeAt(last), producer) && last !== null) {
      await this.#storeAgain(messages, storedSequences(last, producer, messages.length));
      return true;
    }
    await this.#appendFrom(nextSequence(last, producer, messages.length), messages);
    return false;
  }

  async #storeNext(messages: readonly NewMessage[]): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#appendFrom((this.#view.sequence ?? -1) + 1, messages);
        return false;
      } catch (error) {
        if (!isTaken(error) || tries === TRIES) throw error;
        await this.#look();
      }
    }
  }

  async #storeAgain(messages: readonly NewMessage[], firsts: readonly number[]): Promise<void> {
    let refusal: unknown = new ChannelError('sequence_conflict', 'another batch has this Producer-Seq');
    for (const first of firsts) {
      try {
        await this.#appendFrom(first, messages);
        return;
      } catch (error) {
        if (!isTaken(error)) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  async #appendFrom(first: number, messages: readonly NewMessage[]): Promise<Appended[]> {
    const { id, caller } = this.#parts;
    const numbered = messages.map((message, i) => ({ ...message, sequence: first + i }));
    return await this.#router.appendBatch(id, caller, numbered);
  }

  async #look(): Promise<void> {
    this.#view = await this.#router.inspect(this.#parts.id, this.#parts.caller);
  }

  /** Adds the offset to resume from to an error about trimmed entries. */
  #withOffset(error: unknown): unknown {
    if (!(error instanceof ChannelError) || error.facts.oldest === undefined) return error;
    return withHeaders(error, { 'stream-next-offset': this.offsetOf(error.facts.oldest - 1) });
  }

  /** Reports the ended side of the sender as a closed stream. */
  #asClosed(error: unknown): unknown {
    if (!isOver(error)) return error;
    return withHeaders(error, { 'stream-closed': 'true', 'stream-next-offset': this.info.offset });
  }
}

function isOver(error: unknown): error is ChannelError {
  return error instanceof ChannelError && (error.code === 'sender_ended' || error.code === 'channel_closed');
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof ChannelError &&
    (error.code === 'sequence_conflict' || error.code === 'sequence_out_of_order')
  );
}

function withHeaders(error: ChannelError, headers: Readonly<Record<string, string>>): ChannelError {
  const { code, message, hint, facts } = error;
  return new ChannelError(code, message, { ...facts, hint, headers, cause: error });
}

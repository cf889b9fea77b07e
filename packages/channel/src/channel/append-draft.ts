import type { StreamStats } from '@weir/log';
import type { AppendRequest, AppendTarget } from './append-queue.js';
import { type Sender, writerOf } from './caller.js';
import { ChannelError } from './channel-error.js';
import type { Appended, NewMessage } from './message.js';
import { decodeTimestamp, encodeMessage, hasContent } from './message-codec.js';
import type { RateLimiter } from './rate-limiter.js';
import { advance, placeOf, type Senders } from './senders.js';
import { findSequence } from './stored-sequence.js';
import { trimTo } from './trim-to.js';

/**
 * One commit of a channel while it is composed: the entries to store, and the state of the channel after the commit.
 */
export class AppendDraft {
  readonly #target: AppendTarget;
  readonly #stats: StreamStats;
  readonly #entries: Uint8Array[] = [];
  #senders: Senders;
  #bytes = 0;

  private constructor(target: AppendTarget, stats: StreamStats) {
    this.#target = target;
    this.#stats = stats;
    this.#senders = target.senders;
  }

  static async of(target: AppendTarget): Promise<AppendDraft> {
    return new AppendDraft(target, await target.log.stats(target.stream));
  }

  /**
   * Admits the messages of a request, all or none. A message that is already stored gets its first answer again.
   * @throws ChannelError why they cannot be stored
   */
  async admit({ caller, messages }: AppendRequest): Promise<Appended[]> {
    const target = this.#target;
    const sender = writerOf(target.channel, caller);
    const bucket = target.bucketOf(sender);
    const { sequence: last } = placeOf(this.#senders, sender);
    const places: Appended[] = [];
    const fresh: NewMessage[] = [];
    for (const message of messages) {
      if (message.sequence > last) {
        fresh.push(message);
        continue;
      }
      // A lookup costs work, so the rate limit applies to duplicates too.
      if (bucket !== undefined && bucket.tokens() < 1) throw rateLimited(bucket, messages.length);
      places.push(await this.#stored(sender, message, places.at(-1)));
    }
    const encoded = this.#encode(sender, fresh);
    if (bucket?.allow(messages.length) === false) throw rateLimited(bucket, messages.length);
    return [...places, ...this.#add(encoded)];
  }

  /** Stores the admitted messages; resolves when they are durable. */
  async store(): Promise<void> {
    const { log, stream, channel, limits, owner } = this.#target;
    if (this.#entries.length === 0) return;
    const trims = channel.retention === 'trim';
    const coming = { entries: this.#entries.length, bytes: this.#bytes };
    const [appended] = await Promise.allSettled([
      log.append(stream, this.#entries, owner === undefined ? {} : { owner }),
      trims && trimTo(log, stream, limits, coming),
    ]);
    if (appended.status === 'rejected') throw appended.reason;
    this.#target.stored(appended.value.first, this.#entries, this.#senders);
    // One commit exceeded the retention of the channel. The messages are stored already: if the trim fails, the next
    // append trims.
    if (trims) await trimTo(log, stream, limits).catch(() => undefined);
  }

  /** The first answer to a message whose sequence is not above its sender's last. */
  async #stored(sender: Sender, message: NewMessage, previous: Appended | undefined): Promise<Appended> {
    const { sequence } = message;
    const entries = { first: this.#stats.first, last: this.#last, at: (index: number) => this.#at(index) };
    const index = await findSequence(entries, sender, sequence, previous && previous.index + 1);
    if (index === undefined) {
      const { sequence: last } = placeOf(this.#senders, sender);
      throw new ChannelError(
        'sequence_out_of_order',
        `sequence ${sequence} is not stored, and ${last} is already`,
      );
    }
    const entry = await this.#at(index);
    if (!hasContent(entry, message)) {
      throw new ChannelError('sequence_conflict', `sequence ${sequence} is stored with other content`);
    }
    return { index, timestamp: decodeTimestamp(entry) };
  }

  /** @throws ChannelError unless the channel takes all of them */
  #encode(sender: Sender, messages: readonly NewMessage[]): Encoded {
    const { isOpen, limits, channel } = this.#target;
    const timestamp = this.#target.now();
    const entries: Uint8Array[] = [];
    let senders = this.#senders;
    let bytes = 0;
    for (const message of messages) {
      if (placeOf(senders, sender).ended) {
        throw new ChannelError(
          'sender_ended',
          `the ${sender.role}'s side of channel ${channel.id} has ended`,
        );
      }
      if (!isOpen) throw new ChannelError('channel_closed', `process ${channel.processId} has closed`);
      this.#checkReply(message.inReplyTo);
      const ended = message.type === 'end';
      senders = advance(senders, sender, { sequence: message.sequence, ended });
      const entry = encodeMessage(message, sender, senders, timestamp);
      entries.push(entry);
      bytes += entry.byteLength;
    }
    if (channel.retention === 'reject' && entries.length > 0) {
      const count = this.#stats.entries + this.#entries.length + entries.length;
      if (count > limits.entries) throw full(channel.id, limits.entries, 'entries');
      const total = this.#stats.bytes + this.#bytes + bytes;
      if (total > limits.bytes) throw full(channel.id, limits.bytes, 'bytes');
    }
    return { entries, senders, bytes, timestamp };
  }

  #add({ entries, senders, bytes, timestamp }: Encoded): Appended[] {
    const first = this.#last + 1;
    this.#entries.push(...entries);
    this.#senders = senders;
    this.#bytes += bytes;
    return entries.map((_, i) => ({ index: first + i, timestamp }));
  }

  /**
   * A reply to a message that was trimmed meanwhile is accepted: that message existed, and the sender is not at fault.
   */
  #checkReply(index: number | undefined): void {
    if (index === undefined) return;
    if (Number.isSafeInteger(index) && index >= 1 && index <= this.#stats.last) return;
    throw new ChannelError(
      'invalid_in_reply_to',
      `there is no message ${index}; the last is ${this.#stats.last}`,
    );
  }

  get #last(): number {
    return this.#stats.last + this.#entries.length;
  }

  async #at(index: number): Promise<Uint8Array> {
    const { log, stream } = this.#target;
    const own = this.#entries[index - this.#stats.last - 1];
    const entry = own ?? (await log.read(stream, { after: index - 1, limit: 1 }))[0]?.data;
    if (entry === undefined) throw new Error(`entry ${index} of ${stream} cannot be read`);
    return entry;
  }
}

/** Encoded messages, and the senders' places after them. */
interface Encoded {
  readonly entries: readonly Uint8Array[];
  readonly senders: Senders;
  readonly bytes: number;
  readonly timestamp: number;
}

function full(id: string, limit: number, what: string): ChannelError {
  return new ChannelError('channel_full', `channel ${id} retains at most ${limit} ${what}`, { limit });
}

function rateLimited(bucket: RateLimiter, count: number): ChannelError {
  // The bucket may have been refilled since `allow` returned false.
  const retryAfterMs = Math.max(1, bucket.retryAfterMs(count));
  return new ChannelError('rate_limited', 'the sender exceeds its rate limit', { retryAfterMs });
}

import { pause } from '@weir/base';
import { Connection, errorOfData, WeirError } from '@weir/client/http';
import * as z from 'zod';
import { ConsumeError } from '../consume-error.js';
import { channelEvent } from './channel-event.js';
import { channelFailure } from './channel-failure.js';
import type { EventStream, StreamedEvent, StreamWatcher } from './event-stream.js';
import { feedConnection } from './feed-connection.js';
import { DEFAULT_FEED_LIMITS, type FeedLimits, Outage } from './outage.js';
import { SourceEnded, SourceGap, SourceInterrupted } from './source-errors.js';

/** Options of a {@link ChannelStream}. */
export interface ChannelOptions {
  /** The server's URL without a trailing slash. */
  readonly server: string;
  /** Process id. */
  readonly process: string;
  /** Channel name. */
  readonly name: string;
  /** API key of the submitter or an observer; sent only to this server. */
  readonly key: string;
  /** `latest` (default), `earliest`, or the index of the last known message. */
  readonly from?: string;
  /** See `FeedOptions`. */
  readonly isKnown?: boolean;
  readonly limits?: Partial<FeedLimits>;
}

/**
 * Follows a channel over its event stream, one connection at a time, and resumes after the last index. Ends with
 * SourceEnded when the channel has ended.
 */
export class ChannelStream implements EventStream {
  readonly #options: ChannelOptions;
  readonly #limits: FeedLimits;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #what: string;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_FEED_LIMITS, ...options.limits };
    const { server, key, process, name } = options;
    const channel = [process, 'channels', name].map(encodeURIComponent).join('/');
    this.#connection = new Connection({ url: server, credential: key });
    this.#path = `/api/v1/processes/${channel}`;
    this.#what = `channel ${name} of process ${process}`;
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const { server, process, name, from = 'latest', isKnown = false } = this.#options;
    const outage = new Outage(`${this.#what} from ${server}`, this.#limits, isKnown);
    let after = placeOf(from);
    // `earliest` means the oldest retained message, so evicted messages before it are not a gap.
    let isBeginning = from === 'earliest';
    watcher.onState('connecting');
    while (!signal.aborted) {
      try {
        after ??= await this.#lastIndex(outage.answerMs, signal);
        let isConnected = false;
        for await (const blocks of this.#connect(after, outage.answerMs, signal)) {
          outage.end();
          isBeginning = false;
          const seenAt = new Date().toISOString();
          for (const { id, event, data } of blocks) {
            if (event === 'error') throw channelFailure(errorOfData(data));
            if (event === 'closed') throw new SourceEnded(`${this.#what} has ended: ${reasonOf(data)}`);
            if (id !== undefined) after = id;
            // The first block contains the start index of the connection: from here on every message is received.
            if (!isConnected) watcher.onState('connected');
            isConnected = true;
            if (data === undefined) watcher.onPosition?.(after);
            else yield { event: channelEvent(data, `${process}/${name}`, seenAt), cursor: after };
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SourceGap) {
          const missed = Number(error.oldest) - Number(after ?? 0);
          if (!isBeginning) watcher.onGap({ message: error.message, missed });
          after = error.oldest;
          continue;
        }
        if (!(error instanceof SourceInterrupted)) throw error;
        watcher.onState('disconnected', error.message);
        const waitMs = outage.waitAfter(error);
        await pause(waitMs, signal);
        if (!signal.aborted) watcher.onState('reconnecting', error.message);
      }
    }
  }

  #connect(after: string, answerMs: number, signal: AbortSignal): ReturnType<typeof feedConnection> {
    const request = {
      connection: this.#connection,
      path: `${this.#path}/subscribe`,
      query: { as: 'text' },
      answerMs,
      silenceMs: this.#limits.silenceMs,
      failureOf: channelFailure,
    };
    return feedConnection({ ...request, after }, signal);
  }

  async #lastIndex(answerMs: number, signal: AbortSignal): Promise<string> {
    const call = { path: this.#path, timeoutMs: Math.ceil(answerMs), patienceMs: 0, signal };
    try {
      return String(channel.parse(await this.#connection.json(call)).last_index);
    } catch (error) {
      throw error instanceof WeirError ? channelFailure(error) : error;
    }
  }
}

const channel = z.object({ last_index: z.number() });
const end = z.object({ reason: z.string() });

function reasonOf(data = '{}'): string {
  return end.parse(JSON.parse(data)).reason;
}

/** The index to start after; undefined for the last message. */
function placeOf(from: string): string | undefined {
  if (from === 'latest') return undefined;
  if (from === 'earliest') return '0';
  if (/^\d{1,15}$/.test(from)) return from;
  throw new ConsumeError('usage', 'invalid_from', `${JSON.stringify(from)} is not a position in a channel.`, {
    param: 'from',
    hint: 'Give --from latest, earliest, or the index of the last known message.',
  });
}

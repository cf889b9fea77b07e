/**
 * How streams come and go. A fork and its source change in one commit: the source knows how many forks it has, and stays
 * for them when it is deleted. Changes of two streams go one after the other in a project, so that no two wait for each
 * other; everything else takes the turn of one stream alone.
 */

import { randomInt } from 'node:crypto';
import { Slice } from '@weir/base';
import type { Part } from '@weir/log';
import { Turns } from '../commit/turns.js';
import { DEFAULT_CONTENT_TYPE, isJson } from './content-type.js';
import { encodeEntry } from './entry-codec.js';
import { asIs } from './existing-stream.js';
import { forkOf } from './fork.js';
import { messagesOf } from './json-messages.js';
import { offsetAt } from './lineage.js';
import type { LiveState, LiveStream, Surroundings } from './live-stream.js';
import { eraseStream } from './load-stream.js';
import { ProducerTable } from './producers.js';
import type { StreamCache } from './stream-cache.js';
import { StreamError } from './stream-error.js';
import { dataStream, recordStream, type StreamKey } from './stream-name.js';
import { type Expiry, forgetFormer, recordPart, type StreamRecord, sourceOf } from './stream-record.js';

/** What a stream is to be. */
export interface CreateOptions {
  /** Null where nothing was said: that of the source, or `application/octet-stream`. */
  readonly contentType: string | null;
  /** Null where nothing was said: that of the source, or none. */
  readonly expiry: Expiry | null;
  /** Whether nothing is ever appended to it. */
  readonly closed: boolean;
  /** What it begins with; empty for nothing. */
  readonly body: Uint8Array;
  /** What it is a fork of; null for nothing. */
  readonly fork: ForkOptions | null;
}

/** Where a fork begins. */
export interface ForkOptions {
  /** Name of the source. */
  readonly source: string;
  /** An offset of the source; null for its end. */
  readonly offset: string | null;
  /** How much of the append after it is part of the fork: messages of a JSON stream, else bytes. */
  readonly subOffset: number;
}

/** What became of a creation. */
export interface Created {
  /** False where there was such a stream already. */
  readonly isNew: boolean;
  readonly contentType: string;
  readonly offset: string;
  readonly isClosed: boolean;
  /** Messages and bytes stored. */
  readonly messages: number;
  readonly bytes: number;
}

const MAX_GENERATION = 2 ** 48 - 1;

/** See the head of this file. */
export class Lifecycle {
  readonly #around: Surroundings;
  readonly #cache: StreamCache;
  readonly #pairs = new Map<string, Turns>();

  constructor(around: Surroundings, cache: StreamCache) {
    this.#around = around;
    this.#cache = cache;
  }

  /** @throws StreamError `stream_exists`, `stream_deleted`, `too_many_streams`, `invalid_message`; of forks, see fork.ts */
  create(key: StreamKey, options: CreateOptions): Promise<Created> {
    const { fork } = options;
    return this.#cache.use(key, async (live) => {
      for (;;) {
        if (live.isExpired) await this.expire(key);
        const create = (origin: Origin | null) =>
          live.turns.run(async () =>
            live.isExpired ? null : await this.#createInTurn(live, options, origin),
          );
        const created =
          fork === null || fork.source === key.name
            ? await create(null)
            : await this.#inPair(key, () =>
                this.#cache.use(sourceOf(key, fork), (source) => create({ source, fork })),
              );
        if (created !== null) return created;
      }
    });
  }

  /** @throws StreamError `stream_not_found`, `stream_deleted` */
  remove(key: StreamKey): Promise<void> {
    return this.#end(key, (live) => {
      live.present();
      return true;
    });
  }

  /** Removes a stream whose time is over; any other is left alone. */
  expire(key: StreamKey): Promise<void> {
    return this.#end(key, (live) => live.isExpired);
  }

  async #createInTurn(live: LiveStream, options: CreateOptions, origin: Origin | null): Promise<Created> {
    if (live.state !== null) return asIs(live.state, options);
    if (options.fork !== null && origin === null) {
      throw new StreamError('stream_not_found', 'a stream that is not there yet cannot be its own source');
    }
    if (origin === null) return await this.#makeRoom(live.key, () => this.#store(live, options, null));
    return await origin.source.turns.run(() =>
      this.#makeRoom(live.key, () => this.#store(live, options, origin)),
    );
  }

  /** Counts a stream before it is made: of many made at once no more than there may be. */
  async #makeRoom<T>(key: StreamKey, make: () => Promise<T>): Promise<T> {
    const { log, counts, limits } = this.#around;
    // Its removal was cut off, or its name would be taken.
    if ((await log.stats(recordStream(key))).entries > 0) await eraseStream(this.#around, key);
    const limit = limits.streams;
    if (counts.of(key) >= limit) {
      throw new StreamError('too_many_streams', `a project has at most ${limit} streams`, { limit });
    }
    counts.add(key, 1);
    try {
      return await make();
    } catch (error) {
      counts.add(key, -1);
      throw error;
    }
  }

  async #store(live: LiveStream, options: CreateOptions, origin: Origin | null): Promise<Created> {
    const { log, now } = this.#around;
    const { key } = live;
    const start = origin && (await forkOf(this.#around, origin.source, origin.fork, options.contentType));
    const contentType = options.contentType ?? start?.contentType ?? DEFAULT_CONTENT_TYPE;
    const first = await firstAppend(options.body, contentType, key.project);
    const at = now();
    const entries = [...(start?.prefix ?? []), ...(first === null ? [] : [first])].map((append) =>
      encodeEntry({ ...append, at, producer: null, seq: '' }),
    );
    const inherited = start?.inherited ?? [];
    const last = (inherited.at(-1)?.to ?? 0) + entries.length;
    const record: StreamRecord = {
      generation: randomInt(1, MAX_GENERATION),
      contentType,
      expiry: options.expiry ?? start?.expiry ?? { kind: 'never' },
      closed: options.closed,
      inherited,
      base: (await log.stats(dataStream(key))).last,
      fork: origin && { ...origin.fork, hasOwnExpiry: options.expiry !== null },
      depth: start?.depth ?? 0,
      forks: 0,
      standing: 'present',
      last,
      seq: '',
      producers: [],
      touchedAt: at,
    };
    const state: LiveState = {
      record,
      last,
      seq: '',
      producers: new ProducerTable(),
      unrecorded: { entries: 0, bytes: 0 },
      touchedAt: at,
    };
    const content: Part[] =
      entries.length > 0 ? [{ stream: dataStream(key), entries, owner: key.project }] : [];
    const others = origin === null ? [] : [withForks(origin.source, 1)];
    await this.#commit([{ live, state }, ...others], content);
    const { messages, bytes } = { messages: first?.messages ?? 0, bytes: first?.payload.byteLength ?? 0 };
    return {
      isNew: true,
      contentType,
      offset: offsetAt(record, last),
      isClosed: options.closed,
      messages,
      bytes,
    };
  }

  /** Ends a stream where `isMeant` says so, and the deleted ones that were only kept for it. */
  #end(key: StreamKey, isMeant: (live: LiveStream) => boolean): Promise<void> {
    return this.#cache.use(key, async (live) => {
      const end = (isInPair: boolean) =>
        live.turns.run(async () => {
          const { state } = live;
          if (!isMeant(live) || state === null) return true;
          if (state.record.fork !== null && !isInPair) return false;
          if (state.record.forks > 0) await this.#commit([{ live, state: standing(state, 'deleted') }]);
          else await this.#remove([{ live, state: standing(state, 'removed') }], state);
          return true;
        });
      // Most are no forks, and change alone.
      if (!(await end(false))) await this.#inPair(key, () => end(true));
    });
  }

  /** Removes streams, and then the source of the last one where it was only kept for it. */
  async #remove(changes: readonly Change[], { record }: LiveState): Promise<void> {
    const [change] = changes;
    if (change === undefined) return;
    if (record.fork === null) {
      await this.#erase(changes);
      return;
    }
    await this.#cache.use(sourceOf(change.live.key, record.fork), (source) =>
      source.turns.run(async () => {
        const former = source.state;
        if (former === null) {
          await this.#erase(changes);
        } else if (former.record.forks === 1 && former.record.standing === 'deleted') {
          await this.#remove([...changes, { live: source, state: standing(former, 'removed') }], former);
        } else {
          await this.#erase([...changes, withForks(source, -1)]);
        }
      }),
    );
  }

  async #erase(changes: readonly Change[]): Promise<void> {
    await this.#commit(changes);
    // Nobody finds them from here on; what follows frees their room.
    for (const { live, state } of changes) {
      if (state.record.standing === 'removed') await eraseStream(this.#around, live.key);
    }
  }

  /**
   * Stores changes.
   * @param content null where nothing is made: that passes a full log, which could not be emptied else
   */
  async #commit(changes: readonly Change[], content: readonly Part[] | null = null): Promise<void> {
    const { log } = this.#around;
    const records = changes.map(({ live, state }) =>
      recordPart(live.key, live.recordOf(state.record, state, state.touchedAt)),
    );
    await log.appendAll([...(content ?? []), ...records], { reserve: content === null });
    for (const { live, state } of changes) {
      const isGone = state.record.standing === 'removed';
      live.become(isGone ? null : state);
      if (!isGone) forgetFormer(log, live.key);
    }
  }

  #inPair<T>({ project }: StreamKey, work: () => Promise<T>): Promise<T> {
    const turns = this.#pairs.get(project) ?? new Turns();
    this.#pairs.set(project, turns);
    return turns.run(work).finally(() => {
      if (turns.isIdle) this.#pairs.delete(project);
    });
  }
}

/** What a stream becomes. */
interface Change {
  readonly live: LiveStream;
  readonly state: LiveState;
}

/** What a fork is made of. */
interface Origin {
  readonly source: LiveStream;
  readonly fork: ForkOptions;
}

/** Nothing is appended to it any more, so nobody asks for its producers either. */
function standing(state: LiveState, now: 'deleted' | 'removed'): LiveState {
  return { ...state, producers: new ProducerTable(), record: { ...state.record, standing: now } };
}

function withForks(live: LiveStream, by: number): Change {
  const { state } = live;
  if (state === null) throw new Error('a source without a stream has no forks');
  return { live, state: { ...state, record: { ...state.record, forks: state.record.forks + by } } };
}

/** A body as a stream's first append; null for nothing. */
async function firstAppend(
  body: Uint8Array,
  contentType: string,
  project: string,
): Promise<{ readonly payload: Uint8Array; readonly messages: number } | null> {
  if (body.byteLength === 0) return null;
  if (!isJson(contentType)) return { payload: body, messages: 1 };
  const { payload, count } = await messagesOf(body, new Slice({ owner: project }));
  return count === 0 ? null : { payload, messages: count };
}

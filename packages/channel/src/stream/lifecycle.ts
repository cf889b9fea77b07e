/**
 * Creates and deletes streams. A fork and its source change in one commit: the source counts its forks and is retained
 * for them after its deletion. Within a project, changes of two streams run one after another, so that two of them
 * cannot deadlock; all other changes only take the turn of one stream.
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

/** Properties of a stream to create. */
export interface CreateOptions {
  /** Null for the default: the type of the source, or `application/octet-stream`. */
  readonly contentType: string | null;
  /** Null for the default: the expiry of the source, or none. */
  readonly expiry: Expiry | null;
  /** Whether the stream is created closed, without any later appends. */
  readonly closed: boolean;
  /** Initial content; empty for none. */
  readonly body: Uint8Array;
  /** The source to fork from; null for none. */
  readonly fork: ForkOptions | null;
}

/** Where a fork starts. */
export interface ForkOptions {
  /** Name of the source. */
  readonly source: string;
  /** An offset of the source; null for the end of the source. */
  readonly offset: string | null;
  /** How much of the append after the offset belongs to the fork: messages of a JSON stream, otherwise bytes. */
  readonly subOffset: number;
}

/** The result of a creation. */
export interface Created {
  /** False if the stream already existed. */
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

  /**
   * @throws StreamError `stream_exists`, `stream_deleted`, `too_many_streams`, `invalid_message`; for forks, see
   *   fork.ts
   */
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

  /** Removes a stream that has expired; leaves any other unchanged. */
  expire(key: StreamKey): Promise<void> {
    return this.#end(key, (live) => live.isExpired);
  }

  async #createInTurn(live: LiveStream, options: CreateOptions, origin: Origin | null): Promise<Created> {
    if (live.state !== null) return asIs(live.state, options);
    if (options.fork !== null && origin === null) {
      throw new StreamError('stream_not_found', 'a stream cannot be its own source');
    }
    if (origin === null) return await this.#makeRoom(live.key, () => this.#store(live, options, null));
    return await origin.source.turns.run(() =>
      this.#makeRoom(live.key, () => this.#store(live, options, origin)),
    );
  }

  /** Counts a stream before it is created, so that concurrent creations cannot exceed the limit. */
  async #makeRoom<T>(key: StreamKey, make: () => Promise<T>): Promise<T> {
    const { log, counts, limits } = this.#around;
    // An interrupted removal left the record; finish the removal first.
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

  /** Removes a stream if `isMeant` returns true, and the deleted sources that were retained only for it. */
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
      // Most streams are not forks, and change alone.
      if (!(await end(false))) await this.#inPair(key, () => end(true));
    });
  }

  /** Removes streams, then the source of the last one if it was retained only for that fork. */
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
    // From here on the streams cannot be opened; the erasure that follows frees their space.
    for (const { live, state } of changes) {
      if (state.record.standing === 'removed') await eraseStream(this.#around, live.key);
    }
  }

  /**
   * Stores changes.
   * @param content null if nothing is created: such a commit may use the reserve of a full log, because removals must
   *   free space
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

/** A stream and its next state. */
interface Change {
  readonly live: LiveStream;
  readonly state: LiveState;
}

/** The source of a fork. */
interface Origin {
  readonly source: LiveStream;
  readonly fork: ForkOptions;
}

/** A stream without further appends does not need its producers. */
function standing(state: LiveState, now: 'deleted' | 'removed'): LiveState {
  return { ...state, producers: new ProducerTable(), record: { ...state.record, standing: now } };
}

function withForks(live: LiveStream, by: number): Change {
  const { state } = live;
  if (state === null) throw new Error('a source without a stream has no forks');
  return { live, state: { ...state, record: { ...state.record, forks: state.record.forks + by } } };
}

/** A body as the first append of a stream; null for none. */
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

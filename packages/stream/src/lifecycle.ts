/**
 * How streams come and go. A fork and its source change in one commit: the source knows how many forks it has, and stays
 * for them when it is deleted. Changes of two streams go one after the other in a project, so that no two wait for each
 * other; everything else takes the turn of one stream alone.
 */
import { randomInt } from 'node:crypto';
import type { Part } from '@weir/log';
import { DEFAULT_CONTENT_TYPE, isJson, isSameType } from './content-type.js';
import { encodeEntry } from './entry-codec.js';
import { forkOf } from './fork.js';
import { messagesOf } from './json-messages.js';
import { offsetAt } from './lineage.js';
import type { LiveState, LiveStream, Surroundings } from './live-stream.js';
import { eraseStream } from './load-stream.js';
import { ProducerTable } from './producers.js';
import type { StreamCache } from './stream-cache.js';
import { StreamError } from './stream-error.js';
import { dataStream, type StreamKey } from './stream-name.js';
import { type Expiry, forgetFormer, recordPart, type StreamRecord, sourceOf } from './stream-record.js';
import { Turns } from './turns.js';

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
  /** Streams a project has. */
  readonly #counts: Map<string, number>;
  readonly #pairs = new Map<string, Turns>();

  constructor(around: Surroundings, cache: StreamCache, counts: Map<string, number>) {
    this.#around = around;
    this.#cache = cache;
    this.#counts = counts;
  }

  /** @throws StreamError `stream_exists`, `stream_deleted`, `too_many_streams`, `invalid_message`; of forks, see fork.ts */
  create(key: StreamKey, options: CreateOptions): Promise<Created> {
    return this.#cache.use(key, async (live) => {
      for (;;) {
        if (live.isExpired) await this.expire(key);
        const create = (source: LiveStream | null) =>
          live.turns.run(async () =>
            live.isExpired ? null : await this.#createInTurn(live, options, source),
          );
        const created =
          options.fork === null ? await create(null) : await this.#withSource(live, options, create);
        if (created !== null) return created;
      }
    });
  }

  /** @throws StreamError `stream_not_found`, `stream_deleted` */
  remove(key: StreamKey): Promise<void> {
    return this.#end(key, (live) => void live.present());
  }

  /** Removes a stream whose time is over; any other is left alone. */
  async expire(key: StreamKey): Promise<void> {
    await this.#end(key, (live) => {
      const isOver = live.isExpired && live.state?.record.standing === 'present';
      if (!isOver) throw new NothingToDo();
    }).catch((error: unknown) => {
      if (!(error instanceof NothingToDo)) throw error;
    });
  }

  async #withSource<T>(
    live: LiveStream,
    { fork }: CreateOptions,
    work: (source: LiveStream | null) => Promise<T>,
  ): Promise<T> {
    if (fork === null || fork.source === live.key.name) return await work(null);
    return await this.#inPair(live.key, () =>
      this.#cache.use(sourceOf(live.key, { ...fork, hasOwnExpiry: false }), (source) => work(source)),
    );
  }

  async #createInTurn(live: LiveStream, options: CreateOptions, source: LiveStream | null): Promise<Created> {
    if (live.state !== null) return asIs(live.state, options);
    if (options.fork !== null && source === null) {
      throw new StreamError('stream_not_found', 'a stream that is not there yet cannot be its own source');
    }
    if (source === null) return await this.#store(live, options, null);
    return await source.turns.run(() => this.#store(live, options, source));
  }

  async #store(live: LiveStream, options: CreateOptions, source: LiveStream | null): Promise<Created> {
    const { log, now } = this.#around;
    const { key } = live;
    this.#checkRoom(key);
    const start = source === null ? null : await forkOf(this.#around, source, options);
    const contentType = options.contentType ?? start?.contentType ?? DEFAULT_CONTENT_TYPE;
    const first = firstAppend(options.body, contentType);
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
      fork: options.fork === null ? null : { ...options.fork, hasOwnExpiry: options.expiry !== null },
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
    const parts: Part[] = entries.length > 0 ? [{ stream: dataStream(key), entries }] : [];
    const others = source === null ? [] : [withForks(source, 1)];
    await this.#commit([{ live, state }, ...others], parts);
    this.#count(key, 1);
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

  /** Ends a stream that `check` lets be ended, and the deleted ones that were only kept for it. */
  #end(key: StreamKey, check: (live: LiveStream) => void): Promise<void> {
    return this.#inPair(key, () =>
      this.#cache.use(key, (live) =>
        live.turns.run(async () => {
          check(live);
          const { state } = live;
          if (state === null) return;
          if (state.record.forks > 0) {
            await this.#commit([{ live, state: standing(state, 'deleted') }]);
          } else {
            await this.#remove([{ live, state: standing(state, 'removed') }], state);
          }
        }),
      ),
    );
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
    for (const { live, state } of changes) {
      if (state.record.standing !== 'removed') continue;
      // Nobody finds it from here on; what follows frees its room.
      live.become(null);
      await eraseStream(this.#around.log, live.key);
      this.#count(live.key, -1);
    }
  }

  async #commit(changes: readonly Change[], parts: readonly Part[] = []): Promise<void> {
    const { log } = this.#around;
    const records = changes.map(({ live, state }) =>
      recordPart(live.key, live.recordOf(state.record, state, state.touchedAt)),
    );
    await log.appendAll([...parts, ...records]);
    for (const { live, state } of changes) {
      live.become(state);
      forgetFormer(log, live.key);
    }
  }

  #inPair<T>({ project }: StreamKey, work: () => Promise<T>): Promise<T> {
    const turns = this.#pairs.get(project) ?? new Turns();
    this.#pairs.set(project, turns);
    return turns.run(work);
  }

  #checkRoom({ project }: StreamKey): void {
    const limit = this.#around.limits.streams;
    if ((this.#counts.get(project) ?? 0) < limit) return;
    throw new StreamError('too_many_streams', `a project has at most ${limit} streams`, { limit });
  }

  #count({ project }: StreamKey, by: number): void {
    this.#counts.set(project, (this.#counts.get(project) ?? 0) + by);
  }
}

/** What a stream becomes. */
interface Change {
  readonly live: LiveStream;
  readonly state: LiveState;
}

class NothingToDo extends Error {}

function standing(state: LiveState, now: StreamRecord['standing']): LiveState {
  return { ...state, record: { ...state.record, standing: now } };
}

function withForks(live: LiveStream, by: number): Change {
  const { state } = live;
  if (state === null) throw new Error('a source without a stream has no forks');
  return { live, state: { ...state, record: { ...state.record, forks: state.record.forks + by } } };
}

/** Answers who wants a stream that exists already. */
function asIs({ record, last }: LiveState, { contentType, expiry, closed, fork }: CreateOptions): Created {
  if (record.standing !== 'present') {
    throw new StreamError('stream_deleted', 'a stream of this name was deleted; forks of it live', {
      status: 409,
    });
  }
  const isOfType =
    contentType === null && fork !== null
      ? true
      : isSameType(contentType ?? DEFAULT_CONTENT_TYPE, record.contentType);
  const isSame =
    isOfType && closed === record.closed && isSameFork(record, fork) && isSameExpiry(record, expiry);
  if (!isSame) {
    throw new StreamError(
      'stream_exists',
      'the stream exists with another content type, expiry, source or end',
    );
  }
  const offset = offsetAt(record, last);
  return { isNew: false, contentType: record.contentType, offset, isClosed: closed, messages: 0, bytes: 0 };
}

function isSameFork({ fork }: StreamRecord, wanted: ForkOptions | null): boolean {
  if (fork === null || wanted === null) return fork === wanted;
  const { source, offset, subOffset } = fork;
  return source === wanted.source && offset === wanted.offset && subOffset === wanted.subOffset;
}

function isSameExpiry({ expiry, fork }: StreamRecord, wanted: Expiry | null): boolean {
  if (wanted === null) return fork === null ? expiry.kind === 'never' : !fork.hasOwnExpiry;
  return JSON.stringify(wanted) === JSON.stringify(expiry);
}

/** A body as a stream's first append; null for nothing. */
function firstAppend(
  body: Uint8Array,
  contentType: string,
): { readonly payload: Uint8Array; readonly messages: number } | null {
  if (body.byteLength === 0) return null;
  if (!isJson(contentType)) return { payload: body, messages: 1 };
  const { payload, count } = messagesOf(body);
  return count === 0 ? null : { payload, messages: count };
}

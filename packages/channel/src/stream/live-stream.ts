import type { Log } from '@weir/log';
import { Turns } from '../commit/turns.js';
import { AppendQueue } from './append-queue.js';
import { deadlineOf, type Expiries, lastUse, recordLagMs } from './expiries.js';
import type { StreamLimits } from './limits.js';
import { type LoadedStream, loadStream, type WriterState } from './load-stream.js';
import type { StreamCounts } from './stream-counts.js';
import { StreamError } from './stream-error.js';
import type { StreamKey } from './stream-name.js';
import { forgetFormer, recordPart, type StreamRecord } from './stream-record.js';

/** State shared by the streams of a store. */
export interface Surroundings {
  readonly log: Log;
  readonly limits: StreamLimits;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly expiries: Expiries;
  readonly counts: StreamCounts;
}

/** The state of a stream between two changes. */
export interface LiveState extends LoadedStream {
  readonly touchedAt: number;
}

/**
 * A name in memory, with its stream if there is one; the content is only in the log. Changes of the stream run one at a
 * time, so no other change is in flight when one is composed.
 */
export class LiveStream {
  readonly key: StreamKey;
  readonly turns = new Turns();
  readonly appends: AppendQueue;
  readonly #around: Surroundings;
  readonly #sleepers = new Set<() => void>();
  #state: LiveState | null;
  /** The time of the last use that is durable. */
  #recordedAt: number;
  #readers = 0;

  private constructor(key: StreamKey, around: Surroundings, state: LiveState | null, recordedAt: number) {
    this.key = key;
    this.#around = around;
    this.#state = state;
    this.#recordedAt = recordedAt;
    this.appends = new AppendQueue(this, around);
    this.#noteDeadline();
  }

  static async open(key: StreamKey, around: Surroundings): Promise<LiveStream> {
    const loaded = await loadStream(around, key);
    if (loaded === null) return new LiveStream(key, around, null, 0);
    const { record, writtenAt } = loaded;
    const known = around.expiries.get(key);
    const touchedAt =
      record.expiry.kind === 'ttl' && known !== undefined
        ? known - record.expiry.seconds * 1000
        : Math.max(lastUse(record, around.now()), writtenAt);
    const recordedAt = Math.max(record.touchedAt, writtenAt);
    return new LiveStream(key, around, { ...loaded, touchedAt }, recordedAt);
  }

  /** Null if there is no stream of this name. */
  get state(): LiveState | null {
    return this.#state;
  }

  /** Whether the stream has expired, even if it is not yet removed. */
  get isExpired(): boolean {
    if (this.#state?.record.standing !== 'present') return false;
    const { record, touchedAt } = this.#state;
    if (record.expiry.kind === 'ttl' && this.#readers > 0) return false;
    const deadline = deadlineOf(record.expiry, touchedAt);
    return deadline !== null && deadline <= this.#around.now();
  }

  /**
   * Returns the state of a usable stream.
   * @param generation the expected generation; default any
   * @throws StreamError `stream_not_found`, `stream_deleted`
   */
  present(generation?: number): LiveState {
    const state = this.#state;
    const name = JSON.stringify(this.key.name);
    if (state?.record.standing === 'deleted' || (this.isExpired && (state?.record.forks ?? 0) > 0)) {
      throw new StreamError('stream_deleted', `stream ${name} was deleted, but has forks`);
    }
    if (
      state === null ||
      this.isExpired ||
      (generation ?? state.record.generation) !== state.record.generation
    ) {
      throw new StreamError('stream_not_found', `there is no stream ${name}`);
    }
    return state;
  }

  /** Records a use, which extends the TTL of the stream. */
  touch(): void {
    if (this.#state?.record.expiry.kind !== 'ttl') return;
    const now = this.#around.now();
    this.#state = { ...this.#state, touchedAt: now };
    this.#noteDeadline();
    const former = this.#recordedAt;
    if (now - former < recordLagMs(this.#state.record.expiry)) return;
    this.#recordedAt = now;
    this.turns
      .run(() => this.#recordUse())
      .catch(() => {
        // The write failed; the next use writes it again.
        if (this.#recordedAt === now) this.#recordedAt = former;
      });
  }

  /** The record of a stream for a given state of its writers. */
  recordOf(record: StreamRecord, { last, seq, producers }: WriterState, touchedAt: number): StreamRecord {
    return { ...record, last, seq, producers: producers.entries(), touchedAt };
  }

  /** Sets the state of the stream after its change is durable; called within a turn. */
  become(state: LiveState | null): void {
    this.#state = state;
    this.#recordedAt = state?.touchedAt ?? 0;
    this.#noteDeadline();
    this.#wake();
  }

  /** Resolves at the next change, after the timeout, or when the signal aborts. Waiting counts as use of the stream. */
  changed(timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.#readers += 1;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        if (!this.#sleepers.delete(wake)) return;
        this.touch();
        this.#readers -= 1;
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake);
      this.#sleepers.add(wake);
      if (signal.aborted) wake();
    });
  }

  async #recordUse(): Promise<void> {
    const state = this.#state;
    if (state === null) return;
    const { log } = this.#around;
    const record = this.recordOf(state.record, state, state.touchedAt);
    // Use the reserve of a full log, so that a stream in use does not expire because its use could not be recorded.
    await log.appendAll([recordPart(this.key, record)], { reserve: true });
    forgetFormer(log, this.key);
  }

  #noteDeadline(): void {
    const { expiries } = this.#around;
    const state = this.#state;
    const isWaiting = state !== null && state.record.standing === 'present';
    expiries.set(this.key, isWaiting ? deadlineOf(state.record.expiry, state.touchedAt) : null);
  }

  #wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}

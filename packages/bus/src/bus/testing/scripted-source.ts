import { once } from 'node:events';
import { defined } from '@weir/base';
import { type RawEvent, rawEvent } from '@weir/event';
import {
  type ConsumeError,
  type EventStream,
  type GroupDelivery,
  type GroupMember,
  type GroupWish,
  type Source,
  SourceInterrupted,
  type StreamedEvent,
  type StreamWatcher,
} from '@weir/event/source';

/** A recorded call of a group member. */
type Answer = 'ack' | 'nack' | 'release' | 'extend';

interface Entry {
  readonly event: RawEvent;
  /** Cursor of the event, or of an entry that only reports a position. */
  readonly at: number;
}

/** A stream that is being followed. */
export interface Followed {
  readonly from: string;
  readonly names: readonly string[] | undefined;
  readonly watcher: StreamWatcher;
  readonly signal: AbortSignal;
}

/**
 * A source controlled by tests: a log of events with cursors from 1, readable from any position or, without offsets,
 * only from its end.
 */
export class ScriptedSource implements Source {
  readonly name = 'scripted';
  readonly hasOffsets: boolean;
  /** All streams opened so far. */
  readonly opened: Followed[] = [];
  /** All calls of group members, in order. */
  readonly calls: {
    readonly what: Answer;
    readonly ids: readonly string[];
    readonly delayMs?: number;
  }[] = [];
  /** The error of the next group calls. */
  readonly groupFailures: Error[] = [];
  /** Lease duration of group deliveries. */
  leaseMs = 30_000;
  /** While false, streams cannot connect. */
  isUp = true;
  /** The error that streams fail with. */
  failure: ConsumeError | undefined;
  readonly #log: Entry[] = [];
  readonly #moved = new EventTarget();
  readonly #lent = new Set<string>();
  readonly #tries = new Map<string, number>();
  #pulled = 0;
  #returned: GroupDelivery[] = [];

  constructor({ hasOffsets = true }: { readonly hasOffsets?: boolean } = {}) {
    this.hasOffsets = hasOffsets;
  }

  /** Streams that are being followed. */
  get followed(): readonly Followed[] {
    return this.opened.filter(({ signal }) => !signal.aborted);
  }

  /** Appends an event whose payload is its number. */
  publish(type = 'order', id = `e${this.#log.length + 1}`): number {
    const at = this.#log.length + 1;
    const facts = { event_id: id, event_type: type, timestamp: '2026-01-01T00:00:00.000Z' };
    this.#log.push({ event: rawEvent(facts, String(at)), at });
    this.move();
    return at;
  }

  /** Wakes everything that waits for a change of the script. */
  move(): void {
    this.#moved.dispatchEvent(new Event('moved'));
  }

  open(from: string, names?: readonly string[]): EventStream {
    return { follow: (watcher, signal) => this.#follow({ from, names, watcher, signal }) };
  }

  join(_group: string, _from: string, { member = 'member' }: GroupWish = {}): GroupMember {
    const call = async (what: Answer, ids: readonly string[], delayMs?: number) => {
      const failure = this.groupFailures.shift();
      if (failure !== undefined) throw failure;
      this.calls.push({ what, ids, ...defined({ delayMs }) });
      if (what === 'extend') return;
      for (const id of ids) this.#lent.delete(id);
      if (what === 'nack' || what === 'release') {
        const tries = what === 'nack' ? 1 : 0;
        for (const id of ids) this.#tries.set(id, (this.#tries.get(id) ?? 1) + tries);
        this.#returned.push(...ids.map((id) => this.#delivery(Number(id), this.#tries.get(id) ?? 1)));
        this.move();
      }
    };
    return {
      leaseMs: this.leaseMs,
      name: member,
      start: async () => {},
      pull: async (max, signal) => {
        const failure = this.groupFailures.shift();
        if (failure !== undefined) throw failure;
        while (this.#pulled >= this.#log.length && this.#returned.length === 0) await this.#change(signal);
        const pulled = this.#returned.splice(0, max);
        while (pulled.length < max && this.#pulled < this.#log.length) {
          this.#pulled += 1;
          pulled.push(this.#delivery(this.#pulled, 1));
        }
        for (const { id } of pulled) this.#lent.add(id);
        return pulled;
      },
      ack: (ids) => call('ack', ids),
      nack: (ids, delayMs) => call('nack', ids, delayMs),
      release: (ids) => call('release', ids),
      extend: async (ids) => {
        await call('extend', ids);
        return ids.filter((id) => !this.#lent.has(id));
      },
    };
  }

  /** Expires the lease of a delivery. */
  lendAgain(id: string): void {
    this.#returned.push(this.#delivery(Number(id), 2));
    this.move();
  }

  /** Unacknowledged deliveries of all members. */
  get lent(): readonly string[] {
    return [...this.#lent];
  }

  /** Makes the next group call fail with SourceInterrupted. */
  interruptGroup(): void {
    this.groupFailures.push(new SourceInterrupted('gone for a moment'));
  }

  async *#follow(followed: Followed): AsyncGenerator<StreamedEvent> {
    const { from, names, watcher, signal } = followed;
    this.opened.push(followed);
    watcher.onState('connecting');
    while (!this.isUp && this.failure === undefined) await this.#change(signal);
    let at = from === 'latest' ? this.#log.length : from === 'earliest' ? 0 : Number(from);
    let isConnected = false;
    while (!signal.aborted) {
      if (this.failure !== undefined) throw this.failure;
      if (this.isUp !== isConnected) {
        isConnected = this.isUp;
        watcher.onState(isConnected ? 'connected' : 'disconnected', 'scripted');
        if (isConnected && this.hasOffsets) watcher.onPosition?.(String(at));
      }
      const entry = this.isUp ? this.#log[at] : undefined;
      if (entry === undefined) {
        await this.#change(signal);
        continue;
      }
      at += 1;
      if (names !== undefined && !names.includes(entry.event.event_type)) {
        if (this.hasOffsets) watcher.onPosition?.(String(at));
        continue;
      }
      yield { event: entry.event, ...(this.hasOffsets ? { cursor: String(at) } : {}) };
    }
  }

  #delivery(at: number, attempt: number): GroupDelivery {
    const entry = this.#log[at - 1];
    if (entry === undefined) throw new Error(`no event ${at}`);
    return { id: String(at), attempt, event: entry.event, cursor: String(at) };
  }

  async #change(signal: AbortSignal): Promise<void> {
    await once(this.#moved, 'moved', { signal }).catch(() => {});
    signal.throwIfAborted();
  }
}

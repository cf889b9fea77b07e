import { defined } from '@weir/base';
import { MAX_BUFFER_SIZE } from '@weir/event';
import type { ConsumeError } from '@weir/event/source';
import type { Hello, PlainMessage } from '../protocol/index.js';
import type { StatusResponse } from '../protocol/status.js';
import type { Connection } from './connection.js';
import { eventBatch } from './event-batch.js';
import type { Names } from './names.js';

/** What a consumer says first. */
export type ConsumerHello = Extract<Hello, { readonly role: 'consumer' }>;

type Bye = Extract<PlainMessage, { readonly type: 'bye' }>;

/** A consumer at the other end of a connection: what it wants, and what became of it so far. */
export class Consumer {
  readonly hello: ConsumerHello;
  readonly connection: Connection;
  readonly names: Names;
  /** How many events may wait for it, or be out with it when it is of a group. */
  readonly bufferSize: number;
  readonly #writeDeadlineMs: number;
  #deadline: NodeJS.Timeout | undefined;
  #received = 0;
  #dropped = 0;
  #dismissal: Bye | undefined;

  constructor(hello: ConsumerHello, connection: Connection, writeDeadlineMs: number) {
    this.hello = hello;
    this.connection = connection;
    this.names = 'names' in hello.source ? hello.source.names && new Set(hello.source.names) : undefined;
    this.bufferSize = Math.min(hello.buffer_size, MAX_BUFFER_SIZE);
    this.#writeDeadlineMs = writeDeadlineMs;
  }

  wants(type: string): boolean {
    return this.names === undefined || this.names.has(type);
  }

  /** Writes events; `rests` are their lines after `seq`. */
  write(rests: readonly Buffer[]): void {
    const batch = eventBatch(rests, this.nextSeq);
    this.#received += rests.length;
    this.connection.write(batch);
    if (this.hello.on_slow === 'disconnect' && !this.connection.isFree) {
      this.#deadline ??= setTimeout(() => this.#late(), this.#writeDeadlineMs);
    }
  }

  /** The `seq` of the next event; the first event has 1. */
  get nextSeq(): number {
    return this.#received + this.#dropped + 1;
  }

  /** Events that it wanted and does not get. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Its connection takes more: what was written in time is no reason to end it. */
  freed(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** What the bus ended it with; undefined while it did not. */
  get dismissal(): Bye | undefined {
    return this.#dismissal;
  }

  end(bye: Bye): void {
    this.#dismissal ??= bye;
    this.freed();
    this.connection.end(bye);
  }

  /** Ends it for good: its source cannot be followed any more. */
  endUpstream({ kind, code, message, hint, param }: ConsumeError): void {
    this.end({
      type: 'bye',
      reason: 'upstream',
      message,
      error: { kind, code, ...defined({ hint, param }) },
    });
  }

  /** Ends it because it reads too slowly and asked for that. */
  endSlow(message: string): void {
    this.end({ type: 'bye', reason: 'slow', message });
  }

  /** As the bus tells of it. `queued` is what waits for it now. */
  status(queued: number): StatusResponse['consumers'][number] {
    const { pid, event_key, subscription_id, group, on_slow } = this.hello;
    return {
      pid,
      event_key,
      subscription_id,
      ...defined({ group }),
      on_slow,
      received: this.#received,
      dropped: this.#dropped,
      queued,
    };
  }

  #late(): void {
    if (this.connection.isFree) this.freed();
    else this.endSlow(`It took nothing for ${this.#writeDeadlineMs / 1000} s while events waited.`);
  }
}

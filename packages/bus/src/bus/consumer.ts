import { defined } from '@weir/base';
import { MAX_BUFFER_SIZE } from '@weir/event';
import type { ConsumeError } from '@weir/event/source';
import type { Hello, PlainMessage } from '../protocol/index.js';
import type { StatusResponse } from '../protocol/status.js';
import type { Connection } from './connection.js';
import { eventBatch } from './event-batch.js';
import type { Names } from './names.js';

/** Hello of a consumer. */
export type ConsumerHello = Extract<Hello, { readonly role: 'consumer' }>;

type Bye = Extract<PlainMessage, { readonly type: 'bye' }>;

/** One connected consumer: its hello, its counters and its write deadline. */
export class Consumer {
  readonly hello: ConsumerHello;
  readonly connection: Connection;
  readonly names: Names;
  /** Maximum number of queued events, or of unacknowledged deliveries for a group member. */
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

  /** Writes events; `rests` are the encoded lines after `seq`. */
  write(rests: readonly Buffer[]): void {
    const batch = eventBatch(rests, this.nextSeq);
    this.#received += rests.length;
    this.connection.write(batch);
    if (this.hello.on_slow === 'disconnect' && !this.connection.isFree) {
      this.#deadline ??= setTimeout(() => this.#late(), this.#writeDeadlineMs);
    }
  }

  /** The `seq` of the next event. The first event has 1; dropped events count. */
  get nextSeq(): number {
    return this.#received + this.#dropped + 1;
  }

  /** Counts events that the consumer subscribed to but does not receive. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** The connection has drained: cancel the write deadline. */
  freed(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** The `bye` that the bus sent to end this consumer; undefined if it sent none. */
  get dismissal(): Bye | undefined {
    return this.#dismissal;
  }

  end(bye: Bye): void {
    this.#dismissal ??= bye;
    this.freed();
    this.connection.end(bye);
  }

  /** Ends the consumer because its source failed permanently. */
  endUpstream({ kind, code, message, hint, param }: ConsumeError): void {
    this.end({
      type: 'bye',
      reason: 'upstream',
      message,
      error: { kind, code, ...defined({ hint, param }) },
    });
  }

  /** Ends the consumer because it reads too slowly and chose `disconnect`. */
  endSlow(message: string): void {
    this.end({ type: 'bye', reason: 'slow', message });
  }

  /** Entry of the status response. `queued` counts the events that wait for it now. */
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
    else this.endSlow(`It read nothing for ${this.#writeDeadlineMs / 1000} s while events waited.`);
  }
}

import type { Logger } from '@weir/base';
import type { JsonValue } from '@weir/event';
import type { Source } from '@weir/event/source';
import { type Message, PROTOCOL_VERSION, type ProtocolError } from '../protocol/index.js';
import type { BusLimits } from './bus-limits.js';
import type { ConnectionHandler } from './connection.js';
import type { Consumer, ConsumerHello } from './consumer.js';
import { invalid, type Refusal, refused } from './greeting.js';
import { GroupReader } from './group-reader.js';
import { HubReader } from './hub-reader.js';
import type { Leases } from './leases.js';
import type { Reader } from './reader.js';
import type { SourceHub } from './source-hub.js';
import type { SourceHubs } from './source-hubs.js';

/** Options of a {@link Session}. */
export interface SessionOptions {
  readonly version: string;
  readonly hubs: SourceHubs;
  readonly leases: Leases;
  readonly limits: BusLimits;
  readonly log: Logger;
  /** The connection has closed; `done` resolves once group deliveries are released. */
  readonly onClose: (session: Session, done: Promise<void>) => void;
}

/** One consumer, from its hello to the end of its connection. */
export class Session implements ConnectionHandler {
  readonly consumer: Consumer;
  readonly #options: SessionOptions;
  #hub: SourceHub | undefined;
  #reader: HubReader | GroupReader | undefined;
  #isPreparing = false;
  #hasStarted = false;
  /** The consumer sent `bye`. */
  #hasLeft = false;

  constructor(consumer: Consumer, options: SessionOptions) {
    this.consumer = consumer;
    this.#options = options;
  }

  /** Replies to hello and starts the delivery of events. */
  async open(): Promise<void> {
    const { consumer } = this;
    const { hello, connection } = consumer;
    const { hubs, leases, limits, log, version } = this.#options;
    let hub: SourceHub;
    try {
      hub = hubs.of(hello.source, hello.credential);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.#refuse(invalid(`The source cannot be opened: ${why}`, 'Check the params of the key.'));
    }
    const problem = unsuitable(hello, hub.source);
    if (problem !== undefined) return this.#refuse(problem);
    this.#hub = hub;
    hub.enter(consumer);
    this.#reader =
      hello.group === undefined
        ? new HubReader(consumer, hub)
        : new GroupReader(hello.group, consumer, hub, limits, log);
    const entry = hello.needs_lease ? await leases.of(consumer).enter(consumer) : { is: 'member' as const };
    if (!connection.isOpen) return;
    if (entry.is === 'refused') return this.#refuse(entry.refusal);
    this.#isPreparing = entry.is === 'first';
    connection.send({
      type: 'hello_ack',
      protocol: PROTOCOL_VERSION,
      version,
      ok: true,
      pid: process.pid,
      pre_consume: this.#isPreparing,
    });
    if (!this.#isPreparing) this.#start();
  }

  /** The reader that delivers events to this consumer. */
  get reader(): Reader | undefined {
    return this.#reader;
  }

  /** Sends the source state, if the consumer has started to receive events. */
  reportStatus(): void {
    if (this.#hasStarted) this.#reader?.reportStatus();
  }

  onMessage(message: Message): void {
    if (this.#reader instanceof GroupReader) this.#reader.heard();
    switch (message.type) {
      case 'ack':
        this.#acked(message);
        break;
      case 'pre_shutdown_check':
        this.#check();
        break;
      case 'bye':
        this.#hasLeft = true;
        this.consumer.connection.close();
        break;
      default:
        this.#misused(`A consumer must not send ${message.type}.`);
    }
  }

  onUnreadable(error: ProtocolError): void {
    this.#misused(error.message);
  }

  onFree(): void {
    this.consumer.freed();
    this.#reader?.freed();
  }

  onClose(): void {
    this.consumer.freed();
    if (this.consumer.hello.needs_lease) this.#options.leases.leave(this.consumer);
    const { dismissal } = this.consumer;
    const parting =
      dismissal?.reason === 'handover' ? 'moves' : this.#hasLeft || dismissal !== undefined ? 'left' : 'died';
    const done = this.#reader?.close(parting) ?? Promise.resolve();
    this.#hub?.leave(this.consumer);
    this.#options.onClose(this, done);
  }

  #acked(ack: Extract<Message, { readonly type: 'ack' }>): void {
    const { consumer } = this;
    if (ack.of === 'pre_consume') {
      void this.#preConsumed(ack.state, ack.error);
    } else if (ack.of === 'cleanup') {
      if (consumer.hello.needs_lease) void this.#options.leases.of(consumer).cleaned(consumer, ack.error);
    } else if (!(this.#reader instanceof GroupReader)) {
      this.#misused('Only members of a group acknowledge deliveries.');
    } else if (ack.of === 'begin') {
      this.#reader.begin(ack.ids);
    } else if (ack.of === 'deliveries') {
      this.#reader.ack(ack.ids);
    } else if (ack.of === 'failed_deliveries') {
      this.#reader.nack(ack.ids, ack.delay_ms);
    }
  }

  async #preConsumed(state: JsonValue | undefined, error: string | undefined): Promise<void> {
    if (!this.#isPreparing) return this.#misused('The bus did not ask this consumer to run preConsume.');
    this.#isPreparing = false;
    const subscription = this.#options.leases.of(this.consumer);
    if (error !== undefined) {
      await subscription.unprepared(this.consumer, error);
      this.consumer.end({ type: 'bye', reason: 'error', message: `preConsume failed: ${error}` });
      return;
    }
    await subscription.prepared(this.consumer, state);
    if (this.consumer.connection.isOpen) this.#start();
  }

  #start(): void {
    this.#hasStarted = true;
    this.#reader?.start();
  }

  // A consumer that is about to leave receives no more events.
  #check(): void {
    const { hello, connection } = this.consumer;
    this.#reader?.stop();
    const answer = hello.needs_lease
      ? this.#options.leases.of(this.consumer).check(this.consumer)
      : { last: false };
    connection.send({ type: 'pre_shutdown_ack', ...answer });
  }

  #refuse(refusal: Refusal): void {
    this.consumer.connection.end(refused(refusal, this.#options.version));
  }

  #misused(message: string): void {
    this.consumer.end({ type: 'bye', reason: 'error', message });
  }
}

function unsuitable(hello: ConsumerHello, source: Source): Refusal | undefined {
  const { group, from = 'latest', on_slow } = hello;
  if (group !== undefined) {
    if (source.join !== undefined) return undefined;
    return invalid(`${source.name} has no groups.`, 'Consume it without --group.');
  }
  if (source.hasOffsets) return undefined;
  if (on_slow === 'replay') {
    return invalid(`${source.name} cannot replay.`, 'Choose --on-slow drop-oldest or disconnect.');
  }
  if (from !== 'latest') return invalid(`${source.name} has only new events.`, 'Leave --from out.');
  return undefined;
}

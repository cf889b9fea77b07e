import { randomUUID } from 'node:crypto';
import { Backoff, deadline, defined, pause } from '@weir/base';
import type { ExitReason, PreparedConsume } from '@weir/event/consume';
import type { EventStream, SourceSpec, StreamedEvent, StreamWatcher } from '@weir/event/source';
import { ConsumeError } from '@weir/event/source';
import type { BusDirectory } from '../directory/bus-directory.js';
import type { EventMessage, Message, SourceStatus } from '../protocol/index.js';
import type { BusConnection, Introduction } from './bus-connection.js';
import { type ClientLimits, DEFAULT_LIMITS } from './client-limits.js';
import { Deliveries } from './deliveries.js';
import { Joiner } from './joiner.js';
import { takeDown } from './lease-hooks.js';
import { byeError } from './refusals.js';
import type { BusCommand } from './start-bus.js';

/** Policy when the consumer's queue is full; see `--on-slow`. */
export type OnSlow = 'replay' | 'drop-oldest' | 'disconnect';

/** Options of a {@link BusStream}. */
export interface BusStreamOptions {
  readonly directory: BusDirectory;
  /** Starts a bus if none is running. */
  readonly command: BusCommand;
  /** Weir release of this process. */
  readonly version: string;
  readonly prepared: PreparedConsume;
  readonly source: SourceSpec;
  /** Authenticates to the source, such as an API key. */
  readonly credential?: string;
  /** Name of the identity that hooks run with. The bus passes it to a helper that runs cleanup for a dead consumer. */
  readonly identity?: string;
  /** Absolute path of the file that defines the key; absent for keys that ship with Weir. */
  readonly keysFile?: string;
  readonly onSlow: OnSlow;
  /** `latest`, `earliest`, a cursor or a time. */
  readonly from: string;
  readonly group?: string;
  /** What the consumer does with a group's events. It must be equal for all members; at most 1,000 characters. */
  readonly task?: string;
  /** Maximum number of unacknowledged group deliveries; default: the key's buffer size, at most 250. */
  readonly prefetch?: number;
  /** Writes a line to standard error. */
  readonly report: (line: string) => void;
  readonly limits?: Partial<ClientLimits>;
}

/** Interval of a group member's heartbeat. */
const ALIVE_MS = 250;
/** How long an ending consumer waits until the source has stored its acknowledgements. */
const SETTLE_MS = 2_000;

/**
 * The events that a consumer reads from a shared bus. If the bus ends, the stream connects to the next bus and resumes
 * after the last event, so that each event is yielded once and in order.
 */
export class BusStream implements EventStream {
  readonly #options: BusStreamOptions;
  readonly #limits: ClientLimits;
  readonly #joiner: Joiner;
  readonly #deliveries = new Deliveries((message) => this.#bus?.send(message) ?? false);
  readonly #member = randomUUID();
  #alive: NodeJS.Timeout | undefined;
  #bus: BusConnection | undefined;
  #cursor: string | undefined;
  #seq = 0;
  /** When the source was last reported as connected. */
  #connectedAt: number | undefined;

  constructor(options: BusStreamOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#joiner = new Joiner(options, this.#limits);
  }

  async *follow(watcher: StreamWatcher, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    watcher.onState('connecting');
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const bus = isFirst
        ? await this.#joiner.join(this.#introduction, signal)
        : await this.#reconnect(signal);
      if (bus === undefined) return;
      this.#bus = bus;
      this.#deliveries.flush();
      this.#startHeartbeat();
      this.#seq = 0;
      if (!isFirst && this.#isLossy) {
        watcher.onGap({ message: 'the bus ended; events until the next bus started are lost' });
      }
      for (;;) {
        const messages = await bus.receive(signal, this.#limits.silenceMs);
        if (messages === undefined) break;
        for (const message of messages) {
          if (message.type !== 'event') {
            this.#take(message, watcher);
            continue;
          }
          const event = this.#event(message, watcher);
          if (event !== undefined) yield event;
        }
      }
      if (signal.aborted) return;
      bus.destroy();
      this.#bus = undefined;
      this.#deliveries.left();
      watcher.onState('disconnected', 'the connection to the bus was lost');
      watcher.onState('reconnecting');
    }
  }

  /** Waits for the pending acknowledgements, runs cleanup if this consumer is the last, and disconnects. */
  async end(reason: ExitReason): Promise<void> {
    clearInterval(this.#alive);
    const bus = this.#bus;
    if (bus === undefined) return;
    await this.#settle(bus);
    const { prepared, report } = this.#options;
    if (needsLease(prepared)) await takeDown(prepared, bus, { report, hookMs: this.#limits.hookMs });
    bus.send({ type: 'bye', reason });
    await bus.close();
  }

  #startHeartbeat(): void {
    if (this.#options.group === undefined) return;
    this.#alive ??= setInterval(() => this.#bus?.send({ type: 'ack', of: 'alive' }), ALIVE_MS);
  }

  /** Waits until the source has stored all outcomes; it would redeliver unconfirmed events to the next consumer. */
  async #settle(bus: BusConnection): Promise<void> {
    this.#deliveries.flush();
    const scope = deadline(SETTLE_MS);
    const settled = new AbortController();
    scope.signal.addEventListener('abort', () => settled.abort(), { once: true });
    const isSettled = this.#deliveries.settled(settled.signal).then(() => settled.abort());
    for (;;) {
      const messages = await bus.receive(settled.signal).catch(() => undefined);
      if (messages === undefined) break;
      for (const message of messages) if (message.type === 'ack') this.#acked(message);
    }
    settled.abort();
    await isSettled;
    scope.release();
  }

  get #introduction(): Introduction {
    const { prepared, version, source, credential, identity, keysFile, onSlow, from, group, task, prefetch } =
      this.#options;
    const { key, params, subscriptionId } = prepared;
    return {
      role: 'consumer',
      version,
      event_key: key.key,
      event_type: key.eventType,
      subscription_id: subscriptionId,
      source,
      ...defined({ credential, identity, keys_file: keysFile }),
      params: jsonOf(params),
      needs_lease: needsLease(prepared),
      single_consumer: key.singleConsumer,
      buffer_size: key.bufferSize,
      on_slow: onSlow,
      from: this.#cursor ?? from,
      ...defined({ group, task }),
      member: this.#member,
      ...(group === undefined ? {} : { holding: this.#deliveries.holding }),
      ...defined({ prefetch }),
    };
  }

  /**
   * True if events that arrive without a bus are lost. A group retains its events, and with a cursor the stream reads
   * them again.
   */
  get #isLossy(): boolean {
    return this.#options.group === undefined && this.#cursor === undefined;
  }

  async #reconnect(signal: AbortSignal): Promise<BusConnection | undefined> {
    const deadline = performance.now() + this.#limits.outageMs;
    const backoff = new Backoff({ firstMs: 100, longestMs: 5_000 });
    while (!signal.aborted) {
      try {
        return await this.#joiner.rejoin(this.#introduction, signal);
      } catch (error) {
        const waitMs = backoff.next();
        if (performance.now() + waitMs > deadline) throw error;
        // A refusal, such as a wrong option, would come from another bus too.
        if (!(error instanceof ConsumeError) || error.kind !== 'internal') throw error;
        await pause(waitMs, signal);
      }
    }
    return undefined;
  }

  #event({ seq, cursor, delivery, event }: EventMessage, watcher: StreamWatcher): StreamedEvent | undefined {
    const missed = seq - this.#seq - 1;
    if (missed > 0) watcher.onGap({ missed, message: 'this consumer is slower than its events' });
    this.#seq = seq;
    if (delivery !== undefined) {
      if (!this.#deliveries.add(delivery.id)) return undefined;
      return {
        event,
        ...defined({ cursor }),
        begin: (signal) => this.#deliveries.begin(delivery.id, signal),
        ack: () => this.#deliveries.done(delivery.id),
        fail: async () => this.#deliveries.failed(delivery.id, delivery.attempt),
      };
    }
    if (cursor === undefined) return { event };
    this.#cursor = cursor;
    return { event, cursor };
  }

  #take(message: Exclude<Message, EventMessage>, watcher: StreamWatcher): void {
    if (message.type === 'source_status') this.#status(message, watcher);
    if (message.type === 'ack') this.#acked(message);
    if (message.type !== 'bye') return;
    const error = byeError(message);
    if (error !== undefined && !this.#isOutage(error)) throw error;
  }

  #acked(ack: Extract<Message, { readonly type: 'ack' }>): void {
    if (ack.of === 'begun' || ack.of === 'lost' || ack.of === 'settled')
      this.#deliveries.take(ack.of, ack.ids);
  }

  /**
   * True if the stream should reconnect despite the error. A newly started bus gives up soon on a source that it has
   * never reached. This consumer has received events from that source before, so it retries for longer.
   */
  #isOutage({ kind }: ConsumeError): boolean {
    if (kind !== 'network' || this.#connectedAt === undefined) return false;
    return performance.now() - this.#connectedAt < this.#limits.sourceOutageMs;
  }

  #status({ state, message, cursor, missed }: SourceStatus, watcher: StreamWatcher): void {
    if (missed !== undefined) {
      watcher.onGap({
        message: message ?? 'the source no longer has these events',
        ...(missed === 0 ? {} : { missed }),
      });
    }
    if (cursor !== undefined && this.#options.group === undefined) this.#cursor = cursor;
    watcher.onState(state, message);
    if (state === 'connected') this.#connectedAt = performance.now();
    if (cursor !== undefined) watcher.onPosition?.(cursor);
  }
}

function needsLease({ key }: PreparedConsume): boolean {
  return key.preConsume !== undefined || key.cleanup !== undefined;
}

function jsonOf(params: PreparedConsume['params']): Record<string, string | number | boolean | string[]> {
  const entries = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'object' ? [...value] : value] as const],
  );
  return Object.fromEntries(entries);
}

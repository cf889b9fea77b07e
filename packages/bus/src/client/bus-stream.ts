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

/** What a full queue does: see `--on-slow`. */
export type OnSlow = 'replay' | 'drop-oldest' | 'disconnect';

/** What a consumer wants of the bus. */
export interface BusStreamOptions {
  readonly directory: BusDirectory;
  /** Starts the bus where there is none. */
  readonly command: BusCommand;
  /** This release. */
  readonly version: string;
  readonly prepared: PreparedConsume;
  readonly source: SourceSpec;
  /** Opens the source, such as an API key. */
  readonly credential?: string;
  /** Whose identity hooks have; a cleanup by somebody else needs its name. */
  readonly identity?: string;
  /** The file of the key, absolute, where it is none of ours. */
  readonly keysFile?: string;
  readonly onSlow: OnSlow;
  /** `latest`, `earliest`, a cursor or a time. */
  readonly from: string;
  readonly group?: string;
  /** What it does with a group's events, to be the same for all members; at most 1,000 characters. */
  readonly task?: string;
  /** How many deliveries of the group may be out with it; default its key's buffer, at most 250. */
  readonly prefetch?: number;
  /** Takes lines for standard error. */
  readonly tell: (line: string) => void;
  readonly limits?: Partial<ClientLimits>;
}

/** How often a member of a group says that it is there. */
const ALIVE_MS = 250;
/** How long a consumer that ends waits for the source to know what it has done. */
const SETTLE_MS = 2_000;

/** Events of a bus that many consumers share: each once, in order, from one bus to the next. */
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
  /** When its source was heard to be connected last. */
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
        : await this.#comeBack(signal);
      if (bus === undefined) return;
      this.#bus = bus;
      this.#deliveries.flush();
      this.#sayAlive();
      this.#seq = 0;
      if (!isFirst && this.#isLossy) {
        watcher.onGap({ message: 'the bus ended, and what came until there was another is lost' });
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
      watcher.onState('disconnected', 'the bus is gone');
      watcher.onState('reconnecting');
    }
  }

  /** Says that everything acknowledged is so, cleans up where nobody else is left to, and leaves. */
  async end(reason: ExitReason): Promise<void> {
    clearInterval(this.#alive);
    const bus = this.#bus;
    if (bus === undefined) return;
    await this.#settle(bus);
    const { prepared, tell } = this.#options;
    if (needsLease(prepared)) await takeDown(prepared, bus, { tell, hookMs: this.#limits.hookMs });
    bus.send({ type: 'bye', reason });
    await bus.close();
  }

  #sayAlive(): void {
    if (this.#options.group === undefined) return;
    this.#alive ??= setInterval(() => this.#bus?.send({ type: 'ack', of: 'alive' }), ALIVE_MS);
  }

  /** Waits until the source knows what this consumer has done: the next consumer would get it again. */
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

  /** Whether what comes while there is no bus is gone: a group's events wait, and a cursor finds the others. */
  get #isLossy(): boolean {
    return this.#options.group === undefined && this.#cursor === undefined;
  }

  async #comeBack(signal: AbortSignal): Promise<BusConnection | undefined> {
    const deadline = performance.now() + this.#limits.outageMs;
    const backoff = new Backoff({ firstMs: 100, longestMs: 5_000 });
    while (!signal.aborted) {
      try {
        return await this.#joiner.comeBack(this.#introduction, signal);
      } catch (error) {
        const waitMs = backoff.next();
        if (performance.now() + waitMs > deadline) throw error;
        // Another bus cannot help against a refusal.
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
   * Whether to come back all the same. A bus that has just been started gives a source up soon that it never reached; who
   * has had events from there knows better.
   */
  #isOutage({ kind }: ConsumeError): boolean {
    if (kind !== 'network' || this.#connectedAt === undefined) return false;
    return performance.now() - this.#connectedAt < this.#limits.sourceOutageMs;
  }

  #status({ state, message, cursor, missed }: SourceStatus, watcher: StreamWatcher): void {
    if (missed !== undefined) {
      watcher.onGap({ message: message ?? 'no longer kept', ...(missed === 0 ? {} : { missed }) });
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

import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_EVENT_BYTES } from '@weir/event';
import { encode, type PlainMessage, type StatusResponse } from '../protocol/index.js';
import { RecentKeys } from '../recent-keys.js';
import { type BusLimits, DEFAULT_LIMITS } from './bus-limits.js';
import type { BusEnd, BusOptions } from './bus-options.js';
import { Connection } from './connection.js';
import { Consumer, type ConsumerHello } from './consumer.js';
import { Control } from './control.js';
import { greet, HANDOVER, invalid, type Refusal, refused, SHUTDOWN, TOO_SLOW } from './greeting.js';
import { Leases } from './leases.js';
import { isNewer } from './release-order.js';
import { Session } from './session.js';
import { SourceHubs } from './source-hubs.js';

/** How long a stopping bus waits for sources to release the deliveries of its members. */
const GIVE_BACK_MS = 2_000;

/**
 * The hub between sources and the consumers on this machine. It accepts open connections and does not know how they
 * were made, so that tests can run it without a socket. It reports when its process should end.
 *
 * ```ts
 * const bus = new Bus({ version, secret, leasesFile, openSource, runCleanup, log });
 * await bus.start();
 * const listener = await transport.listen(path, (socket) => bus.accept(socket));
 * await bus.close(await bus.ended);
 * await listener.close();
 * ```
 */
export class Bus {
  /** Resolves when the bus should end; from then on it refuses new consumers. */
  readonly ended: Promise<BusEnd>;
  readonly #options: BusOptions;
  readonly #limits: BusLimits;
  readonly #hubs: SourceHubs;
  readonly #leases: Leases;
  readonly #connections = new Set<Connection>();
  /** Members that were disconnected because they were too slow. */
  readonly #slow = new RecentKeys(1_000);
  readonly #sessions = new Set<Session>();
  readonly #closing = new Set<Promise<void>>();
  readonly #startedAt = performance.now();
  #end: (reason: BusEnd) => void = () => {};
  #hasEnded = false;
  #closed: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #statusTimer: NodeJS.Timeout | undefined;

  constructor(options: BusOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { log, openSource, runCleanup } = options;
    this.#limits = limits;
    this.#hubs = new SourceHubs({ openSource, limits, log });
    this.#leases = new Leases(options.leasesFile, {
      runCleanup,
      waitMs: limits.leaseWaitMs,
      log,
      onChange: () => this.#watchIdle(),
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Restores the leases of an earlier bus. Throws if the lease file is invalid. */
  async start(): Promise<void> {
    await this.#leases.start();
    this.#statusTimer = setInterval(() => {
      for (const session of this.#sessions) session.reportStatus();
    }, this.#limits.statusMs);
    this.#watchIdle();
  }

  /** Accepts a connection of a consumer or a control client. */
  accept(socket: Duplex): void {
    const refuse = (refusal: Refusal) => connection.end(refused(refusal, this.#options.version));
    const late = setTimeout(() => {
      refuse(invalid(`No hello came for ${this.#limits.helloMs / 1000} s.`, 'Send hello first.'));
    }, this.#limits.helloMs);
    const connection = new Connection(socket, {
      onMessage: (message) => {
        clearTimeout(late);
        const hello = greet(message, this.#options.secret);
        if ('code' in hello) refuse(hello);
        else if (hello.role === 'control') connection.handOver(this.#controlOf(connection));
        else this.#admit(hello, connection);
      },
      onUnreadable: (error) => refuse(invalid(error.message, 'Run the same release on both sides.')),
      onFree: () => {},
      onClose: () => {
        clearTimeout(late);
        this.#connections.delete(connection);
      },
    });
    this.#connections.add(connection);
  }

  /**
   * Closes all connections. Resolves once group deliveries are released and running hooks have ended or timed out. With
   * `shutdown`, cleanups run now, since consumers will not reconnect; otherwise the next bus takes over the leases.
   */
  close(reason: BusEnd): Promise<void> {
    this.#closed ??= this.#close(reason);
    return this.#closed;
  }

  status(): StatusResponse {
    const status: StatusResponse = {
      type: 'status_response',
      pid: process.pid,
      version: this.#options.version,
      uptime_ms: Math.round(performance.now() - this.#startedAt),
      consumers: [],
      sources: [...this.#hubs].map((hub) => hub.status),
    };
    let bytes = Buffer.byteLength(encode(status));
    for (const { consumer, reader } of this.#sessions) {
      const one = consumer.status(reader?.queued ?? 0);
      bytes += Buffer.byteLength(JSON.stringify(one)) + 1;
      if (bytes > MAX_EVENT_BYTES) break;
      status.consumers.push(one);
    }
    const more = this.#sessions.size - status.consumers.length;
    return more === 0 ? status : { ...status, more_consumers: more };
  }

  #admit(hello: ConsumerHello, connection: Connection): void {
    const { version, log } = this.#options;
    const refusal = this.#hasEnded ? HANDOVER : this.#refusalFor(hello);
    if (refusal !== undefined) {
      connection.end(refused(refusal, version));
      if (refusal === HANDOVER) this.#finish('handover');
      return;
    }
    const consumer = new Consumer(hello, connection, this.#limits.writeDeadlineMs);
    const session = new Session(consumer, {
      version,
      hubs: this.#hubs,
      leases: this.#leases,
      limits: this.#limits,
      log,
      onClose: (closed, done) => {
        // The consumer may not have read the reason of its disconnect. Remember it, and refuse the next hello with the reason.
        if (hello.member !== undefined && consumer.dismissal?.reason === 'slow') this.#slow.add(hello.member);
        this.#connections.delete(connection);
        this.#sessions.delete(closed);
        const given = done.catch((error: unknown) => log.error({ error: String(error) }, 'consumer'));
        this.#closing.add(given);
        void given.then(() => this.#closing.delete(given));
        log.info({ pid: hello.pid, event_key: hello.event_key }, 'consumer left');
        this.#watchIdle();
      },
    });
    this.#sessions.add(session);
    this.#watchIdle();
    connection.handOver(session);
    log.info({ pid: hello.pid, event_key: hello.event_key }, 'consumer came');
    void session.open();
  }

  #refusalFor(hello: ConsumerHello): Refusal | undefined {
    if (isNewer(hello.version, this.#options.version)) return HANDOVER;
    if (hello.member !== undefined && this.#slow.has(hello.member)) return TOO_SLOW;
    const other = [...this.#sessions].find(
      ({ consumer }) => consumer.hello.subscription_id === hello.subscription_id,
    )?.consumer.hello;
    if (other === undefined || !(hello.single_consumer || other.single_consumer)) return undefined;
    return {
      code: 'single_consumer',
      message: `The process ${other.pid} consumes ${hello.event_key} already, and only one may.`,
      hint: `End that one first: kill ${other.pid}`,
    };
  }

  #controlOf(connection: Connection): Control {
    return new Control(connection, {
      status: () => this.status(),
      countConsumers: () => this.#sessions.size,
      shutDown: () => this.#finish('shutdown'),
      onClose: () => this.#connections.delete(connection),
    });
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    if (this.#hasEnded || this.#sessions.size > 0 || this.#leases.isBusy) return;
    this.#idle = setTimeout(() => this.#finish('idle'), this.#limits.idleMs);
  }

  #finish(reason: BusEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#idle);
    this.#options.log.info({ reason }, 'bus ends');
    this.#end(reason);
  }

  async #close(reason: BusEnd): Promise<void> {
    this.#finish(reason);
    clearInterval(this.#statusTimer);
    this.#leases.refuseWaiting(reason === 'shutdown' ? SHUTDOWN : HANDOVER);
    // Let the waiting consumers receive their refusal before their connections close.
    await nextTurn();
    if (reason === 'shutdown') this.#endAll({ type: 'bye', reason });
    await this.#leases.quiet(this.#limits.leaseWaitMs);
    this.#leases.suspend();
    this.#endAll({ type: 'bye', reason });
    const given = Promise.all([...this.#closing, this.#leases.ended()]);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GIVE_BACK_MS);
    });
    await Promise.race([given, tooLate]);
    clearTimeout(timer);
    await this.#leases.written();
    this.#hubs.close();
  }

  #endAll(bye: Extract<PlainMessage, { readonly type: 'bye' }>): void {
    for (const { consumer } of [...this.#sessions]) consumer.end(bye);
    for (const connection of [...this.#connections]) connection.end(bye);
  }
}

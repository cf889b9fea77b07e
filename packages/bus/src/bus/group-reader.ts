import { defined, firstAbort, type Logger } from '@weir/base';
import {
  ConsumeError,
  deliveryKey,
  type GroupDelivery,
  type GroupMember,
  type Source,
  SourceGap,
  type SourceInterrupted,
} from '@weir/event/source';
import { Moment } from '../moment.js';
import { encodeEventRest } from '../protocol/encode.js';
import { ProtocolError } from '../protocol/index.js';
import type { BusLimits } from './bus-limits.js';
import type { Consumer } from './consumer.js';
import { GroupAnswers, notJoined } from './group-answers.js';
import { type Lent, LentEvents } from './lent-events.js';
import { list } from './names.js';
import type { Parting, Reader } from './reader.js';
import { SourceFacts } from './source-facts.js';
import type { SourceHub } from './source-hub.js';
import { StatusReporter } from './status-reporter.js';
import { throughInterruptions } from './through-interruptions.js';

/** Default maximum of unacknowledged events per member. Events that wait at a busy member are not available to an idle one. */
const MOST_OUT = 250;
/** Maximum bytes of unacknowledged events per member; a single larger event is still delivered. */
const MOST_OUT_BYTES = 8 * 1024 * 1024;
/** Interval at which leases are checked. */
const TICK_MS = 250;
/** A consumer sends heartbeats more often than this. If it is silent for longer, it is suspended and must not begin events. */
const SILENT_MS = 1_000;
/** Number of extensions within the duration of a lease. */
const EXTENSIONS = 8;
/** How long the reader retries the last outcomes after the consumer has disconnected. */
const LAST_ANSWERS_MS = 30_000;
/** The fraction of a lease that must remain for an event to begin without asking the source. */
const SAFE_PART = 1 / 3;

/**
 * A consumer that is a member of a durable group. The reader pulls up to a limit of unacknowledged events and pulls
 * more as the consumer acknowledges them. An event begins only after the reader confirms that its lease is valid. If
 * the consumer falls silent, the reader releases the events that have not begun; it extends those that have begun as
 * long as it received a message from the consumer within the lease.
 */
export class GroupReader implements Reader {
  readonly consumer: Consumer;
  readonly facts: SourceFacts;
  readonly group: string;
  readonly #hub: SourceHub;
  readonly #limits: BusLimits;
  readonly #log: Logger;
  readonly #reporter: StatusReporter;
  readonly #run = new AbortController();
  readonly #lent = new LentEvents();
  readonly #answers: GroupAnswers;
  /** Aborts the current pull when the consumer falls silent; undefined while it is silent. */
  #pulling: AbortController | undefined = new AbortController();
  #heard = new Moment();
  #member: GroupMember | undefined;
  #following: Promise<void> | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #isExtending = false;
  #isPulling = false;
  #resume: (() => void) | undefined;

  constructor(group: string, consumer: Consumer, hub: SourceHub, limits: BusLimits, log: Logger) {
    this.group = group;
    this.consumer = consumer;
    this.facts = new SourceFacts(hub.source.name, { isWaiting: () => this.#isPulling });
    this.#hub = hub;
    this.#limits = limits;
    this.#log = log;
    this.#reporter = new StatusReporter(consumer.connection, () => ({
      facts: this.facts,
      cursor: undefined,
    }));
    this.#answers = new GroupAnswers({
      group,
      limits,
      log,
      call: async (work) => {
        const member = this.#member;
        if (member === undefined) throw notJoined();
        await this.#pastGap(() => work(member));
      },
      onSettled: (ids) => this.#say('settled', ids),
    });
    for (const id of consumer.hello.holding ?? [])
      this.#lent.add({ id, bytes: 0, isBegun: true, isLost: false, leasedAt: undefined });
  }

  start(): void {
    if (this.#run.signal.aborted) return;
    this.#hub.addGroup(this);
    this.#reporter.report();
    this.#following = this.#follow();
    this.#ticking = setInterval(() => this.#tick(), Math.min(TICK_MS, this.#limits.extendMs));
  }

  /** Records a message from the consumer as a heartbeat. */
  heard(): void {
    this.#heard = new Moment();
    if (this.#pulling !== undefined || this.#run.signal.aborted) return;
    this.#pulling = new AbortController();
    this.#resume?.();
  }

  /** The consumer asks for permission to handle these deliveries. */
  begin(ids: readonly string[]): void {
    const begun: string[] = [];
    const lost: string[] = [];
    const doubtful: string[] = [];
    for (const id of ids) {
      const lent = this.#lent.get(id);
      if (lent === undefined) lost.push(id);
      else if (this.#isSafe(lent)) {
        lent.isBegun = true;
        begun.push(id);
      } else doubtful.push(id);
    }
    this.#say('begun', begun);
    this.#say('lost', lost);
    if (doubtful.length > 0) void this.#beginExtended(doubtful);
  }

  /** The consumer has handled these deliveries. */
  ack(ids: readonly string[]): void {
    for (const id of ids) this.#hub.done.add(deliveryKey(id));
    this.#answers.ack(this.#takeBack(ids));
    this.#resume?.();
  }

  /** The consumer failed to handle these deliveries. */
  nack(ids: readonly string[], delayMs: number | undefined): void {
    this.#answers.nack(this.#takeBack(ids), delayMs);
    this.#resume?.();
  }

  freed(): void {
    this.#reporter.flush();
    this.#resume?.();
  }

  reportStatus(): void {
    this.#reporter.report();
  }

  get queued(): number {
    return this.#lent.size;
  }

  /**
   * Takes over a redelivery of an event that this consumer is handling, so that no second member runs it. Returns false
   * if this consumer is not handling it, or may be dead.
   */
  async takeOver(id: string, from: string): Promise<boolean> {
    const lent = this.#lent.get(id);
    const member = this.#member;
    if (lent === undefined || !lent.isBegun || member === undefined || !this.#isThere) return false;
    lent.id = id;
    await this.#extend([lent], from).catch((error: unknown) => this.#warnOfLeases(error));
    return true;
  }

  stop(): void {
    this.#run.abort();
    this.#resume?.();
    this.#hub.deleteGroup(this);
  }

  async close(parting: Parting): Promise<void> {
    this.stop();
    clearInterval(this.#ticking);
    // On a handover the consumer reports its unconfirmed outcomes to the next bus.
    if (parting === 'moves') this.#answers.giveUp();
    const tooLate = setTimeout(() => this.#answers.giveUp(), LAST_ANSWERS_MS);
    await this.#following;
    if (parting === 'left') this.#answers.release(this.#takeAll(() => true));
    if (parting === 'died') {
      this.#answers.nack(this.#takeAll(({ isBegun }) => isBegun));
      this.#answers.release(this.#takeAll(({ isBegun }) => !isBegun));
    }
    await this.#answers.sent();
    clearTimeout(tooLate);
  }

  /** True if a message from the consumer arrived within the lease. */
  get #isThere(): boolean {
    return !this.#run.signal.aborted && this.#heard.ageMs <= this.#leaseMs;
  }

  get #leaseMs(): number {
    return this.#member?.leaseMs ?? Number.POSITIVE_INFINITY;
  }

  #isSafe({ leasedAt, isLost }: Lent): boolean {
    return !isLost && leasedAt !== undefined && leasedAt.ageMs < this.#leaseMs * (1 - SAFE_PART);
  }

  /**
   * Begins events whose lease may have expired, such as after this process was suspended, by extending the lease first:
   * the source reports the leases that were lost.
   */
  async #beginExtended(ids: readonly string[]): Promise<void> {
    const lent = ids.flatMap((id) => this.#lent.get(id) ?? []);
    await this.#throughInterruptions(() => this.#extend(lent)).catch((error: unknown) => {
      for (const one of lent) one.isLost = true;
      this.#warnOfLeases(error);
    });
    if (this.#run.signal.aborted) return;
    for (const one of lent) {
      if (one.isLost) this.#lent.delete(one.id);
      else one.isBegun = true;
    }
    const isKept = (id: string) => this.#lent.get(id) !== undefined;
    this.#say(
      'begun',
      ids.filter((id) => isKept(id)),
    );
    this.#say(
      'lost',
      ids.filter((id) => !isKept(id)),
    );
    this.#resume?.();
  }

  #say(of: 'begun' | 'lost' | 'settled', ids: readonly string[]): void {
    if (ids.length > 0) this.consumer.connection.send({ type: 'ack', of, ids: [...ids] });
  }

  /** Removes the deliveries and returns the ids of their latest attempts; the source ignores the id of an earlier attempt. */
  #takeBack(ids: readonly string[]): string[] {
    return ids.map((id) => this.#lent.delete(id)?.id ?? id);
  }

  #takeAll(isChosen: (lent: Lent) => boolean): string[] {
    const ids = this.#lent.all.filter((lent) => !lent.isLost && isChosen(lent)).map(({ id }) => id);
    for (const id of ids) this.#lent.delete(id);
    return ids;
  }

  // Retries every interruption, and tries another consumer's credential if the source rejects this one.
  async #follow(): Promise<void> {
    const { signal } = this.#run;
    while (!signal.aborted) {
      const { source } = this.#hub;
      try {
        await this.#pullAll(source);
      } catch (error) {
        if (signal.aborted) return;
        const failure = ConsumeError.from(error);
        if (!this.#hub.openOtherwise(failure, source)) return this.consumer.endUpstream(failure);
      }
    }
  }

  async #pullAll(source: Source): Promise<void> {
    const { from = 'latest', task, member: name, prefetch } = this.consumer.hello;
    if (source.join === undefined) {
      throw new ConsumeError('usage', 'no_groups', `${source.name} has no groups`, { param: 'group' });
    }
    const names = list(this.consumer.names);
    const member = source.join(this.group, from, {
      ...defined({ names, task, member: name }),
    });
    this.#member = member;
    const { signal } = this.#run;
    await this.#throughInterruptions(() => member.start(signal));
    const most = prefetch ?? Math.min(this.consumer.bufferSize, MOST_OUT);
    while (!signal.aborted) {
      const room = this.#lent.bytes < MOST_OUT_BYTES ? most - this.#lent.size : 0;
      const isReady = room > 0 && this.#pulling !== undefined && this.consumer.connection.isFree;
      if (signal.aborted || !isReady) {
        await this.#changed();
        continue;
      }
      const deliveries = await this.#throughInterruptions(() =>
        this.#pastGap(async () => {
          // Report outcomes before pulling, or the source would redeliver events that are already done.
          await this.#answers.caughtUp();
          return await this.#pull(member, room);
        }),
      );
      if (deliveries !== undefined) await this.#deliver(deliveries, member);
    }
  }

  async #changed(): Promise<void> {
    if (this.#run.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
  }

  /** Pulls deliveries; returns none if the consumer fell silent meanwhile. */
  async #pull(member: GroupMember, room: number): Promise<readonly Delivered[]> {
    const pulling = this.#pulling;
    if (pulling === undefined) return [];
    const scope = firstAbort(this.#run.signal, pulling.signal);
    const leasedAt = new Moment();
    const holding = [...this.#lent.all.map(({ id }) => id), ...this.#answers.unsettled];
    this.#isPulling = true;
    try {
      const deliveries = await member.pull(room, scope.signal, holding);
      return deliveries.map((delivery) => ({ delivery, leasedAt }));
    } catch (error) {
      if (pulling.signal.aborted && !this.#run.signal.aborted) return [];
      throw error;
    } finally {
      this.#isPulling = false;
      scope.release();
    }
  }

  // Reports the events that the group has lost, then repeats the call.
  async #pastGap<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SourceGap)) throw error;
      const missed = error.missed === undefined ? {} : { missed: error.missed };
      this.#reporter.gap({ message: error.message, ...missed });
      return await work();
    }
  }

  async #deliver(deliveries: readonly Delivered[], member: GroupMember): Promise<void> {
    const rests: Buffer[] = [];
    for (const { delivery, leasedAt } of deliveries) {
      if (await this.#isKnown(delivery, leasedAt, member)) continue;
      const { id, attempt, event, cursor } = delivery;
      this.facts.saw(event);
      try {
        const written = { event, delivery: { id, attempt }, ...defined({ cursor }) };
        const rest = Buffer.from(encodeEventRest(written));
        this.#lent.add({ id, bytes: rest.byteLength, isBegun: false, isLost: false, leasedAt });
        rests.push(rest);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#reporter.gap({ missed: 1, message: error.message });
        this.#answers.nack([id]);
      }
    }
    // If the reader was stopped meanwhile, `close` releases these deliveries.
    if (rests.length > 0 && !this.#run.signal.aborted) this.consumer.write(rests);
  }

  /** True if an event is done or in progress, so that its redelivery must not run. */
  async #isKnown({ id }: GroupDelivery, leasedAt: Moment, member: GroupMember): Promise<boolean> {
    if (this.#hub.done.has(deliveryKey(id))) {
      this.#answers.ack(this.#takeBack([id]));
      return true;
    }
    const lent = this.#lent.get(id);
    if (lent !== undefined) {
      Object.assign(lent, { id, leasedAt, isLost: false });
      return true;
    }
    for (const other of this.#hub.groupReaders(this.group))
      if (other !== this && (await other.takeOver(id, member.name))) return true;
    return false;
  }

  async #throughInterruptions<T>(work: () => Promise<T>): Promise<T | undefined> {
    return await throughInterruptions(work, {
      limits: this.#limits,
      signal: this.#run.signal,
      onState: (state, reason) => this.#moveTo(state, reason),
      unreachable: (cause) => this.#unreachable(cause),
    });
  }

  #unreachable(cause: SourceInterrupted): ConsumeError {
    return new ConsumeError(
      'network',
      'unreachable',
      `the group ${this.group} of ${this.#hub.source.name} cannot be reached: ${cause.message}`,
      { hint: 'Consume again once the server answers: the group keeps its place.', cause },
    );
  }

  #moveTo(state: 'connected' | 'disconnected' | 'reconnecting', reason?: string): void {
    if (!this.#run.signal.aborted && this.facts.moveTo(state, reason)) this.#reporter.report();
  }

  // After this process was suspended, timers fire before the sockets are read. Defer the check until the messages that
  // arrived meanwhile have been read, or every consumer would look silent.
  #tick(): void {
    setImmediate(() => {
      if (this.#run.signal.aborted) return;
      if (this.#heard.ageMs > SILENT_MS) this.#suspend();
      const dueMs = Math.min(this.#limits.extendMs, this.#leaseMs / EXTENSIONS);
      const held = this.#lent.all.filter(({ isLost }) => !isLost);
      const isDue = held.some(({ leasedAt }) => leasedAt === undefined || leasedAt.ageMs >= dueMs);
      if (!isDue || this.#isExtending || !this.#isThere) return;
      this.#isExtending = true;
      this.#extend(held)
        // The next tick extends the leases again; they are long enough for a retry.
        .catch((error: unknown) => this.#warnOfLeases(error))
        .finally(() => {
          this.#isExtending = false;
        });
    });
  }

  /** Releases all events that have not begun: a stopped or overloaded consumer must not keep them from other members. */
  #suspend(): void {
    this.#pulling?.abort();
    this.#pulling = undefined;
    this.#answers.release(this.#takeAll(({ isBegun }) => !isBegun));
  }

  async #extend(lent: readonly Lent[], from?: string): Promise<void> {
    const leasedAt = new Moment();
    const lost = new Set(
      await this.#member?.extend(
        lent.map(({ id }) => id),
        from,
      ),
    );
    for (const one of lent) {
      one.isLost = lost.has(one.id);
      if (!one.isLost) one.leasedAt = leasedAt;
    }
  }

  #warnOfLeases(error: unknown): void {
    this.#log.warn({ group: this.group, error: String(error) }, 'group: leases were not extended');
  }
}

/** A delivery, and the earliest time at which its lease can have begun. */
interface Delivered {
  readonly delivery: GroupDelivery;
  readonly leasedAt: Moment;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEventRest } from '../protocol/encode.js';
import { ProtocolError } from '../protocol/index.js';
import {
  Backoff,
  ConsumeError,
  type GroupDelivery,
  type GroupMember,
  type Source,
  SourceGap,
  SourceInterrupted,
} from '../source/index.js';
import { Answers } from './answers.js';
import type { BusLimits } from './bus-limits.js';
import type { BusLogger } from './bus-options.js';
import type { Consumer } from './consumer.js';
import { list } from './names.js';
import type { Parting, Reader } from './reader.js';
import { SourceFacts } from './source-facts.js';
import type { SourceHub } from './source-hub.js';
import { ToldStatus } from './told-status.js';

/** Events out with one member: what waits at a busy one cannot be done by an idle one. */
const MOST_OUT = 250;

/**
 * A consumer that is a member of a durable group. It gets as many events as it may have without an answer, and more for
 * each that it answers. What it has when it goes is given back at once.
 */
export class GroupReader implements Reader {
  readonly consumer: Consumer;
  readonly facts: SourceFacts;
  readonly #group: string;
  readonly #hub: SourceHub;
  readonly #limits: BusLimits;
  readonly #log: BusLogger;
  readonly #told: ToldStatus;
  readonly #run = new AbortController();
  readonly #out = new Set<string>();
  readonly #acks: Answers;
  readonly #releases: Answers;
  /** By how long the events are to wait. */
  readonly #nacks = new Map<number, Answers>();
  #member: GroupMember | undefined;
  #following: Promise<void> | undefined;
  #extending: NodeJS.Timeout | undefined;
  #resume: (() => void) | undefined;

  constructor(group: string, consumer: Consumer, hub: SourceHub, limits: BusLimits, log: BusLogger) {
    this.#group = group;
    this.consumer = consumer;
    this.facts = new SourceFacts(hub.source.name);
    this.#hub = hub;
    this.#limits = limits;
    this.#log = log;
    this.#told = new ToldStatus(consumer.connection, () => ({ facts: this.facts, cursor: undefined }));
    this.#acks = this.#answers((member, ids) => member.ack(ids));
    this.#releases = this.#answers((member, ids) => member.release(ids));
  }

  start(): void {
    if (this.#run.signal.aborted) return;
    this.#hub.addGroup(this);
    this.#told.tell();
    this.#following = this.#follow();
    this.#extending = setInterval(() => this.#extend(), this.#limits.extendMs);
  }

  /** The consumer is done with these. */
  ack(ids: readonly string[]): void {
    for (const id of ids) this.#out.delete(id);
    this.#acks.add(ids);
    this.#resume?.();
  }

  /** The consumer could not handle these. */
  nack(ids: readonly string[], delayMs: number | undefined): void {
    for (const id of ids) this.#out.delete(id);
    this.#sendBack(ids, delayMs);
    this.#resume?.();
  }

  freed(): void {
    this.#told.flush();
    this.#resume?.();
  }

  tell(): void {
    this.#told.tell();
  }

  get queued(): number {
    return this.#out.size;
  }

  stop(): void {
    this.#run.abort();
    this.#resume?.();
    this.#hub.deleteGroup(this);
  }

  async close(parting: Parting): Promise<void> {
    this.stop();
    clearInterval(this.#extending);
    await this.#following;
    const out = [...this.#out];
    this.#out.clear();
    if (out.length > 0 && parting === 'left') this.#releases.add(out);
    if (out.length > 0 && parting === 'died') this.#sendBack(out);
    const answers = [this.#acks, this.#releases, ...this.#nacks.values()];
    await Promise.all(answers.map((one) => one.sent()));
  }

  #sendBack(ids: readonly string[], delayMs = 0): void {
    const known = this.#nacks.get(delayMs);
    const answers = known ?? this.#answers((member, some) => member.nack(some, delayMs));
    if (known === undefined) this.#nacks.set(delayMs, answers);
    answers.add(ids);
  }

  // Through every interruption, and with another consumer's credential where that helps.
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
    const { from = 'latest' } = this.consumer.hello;
    if (source.join === undefined) {
      throw new ConsumeError('usage', 'no_groups', `${source.name} has no groups`, { param: 'group' });
    }
    const names = list(this.consumer.names);
    const { task } = this.consumer.hello;
    const member = source.join(this.#group, from, {
      ...(names === undefined ? {} : { names }),
      ...(task === undefined ? {} : { task }),
    });
    this.#member = member;
    const { signal } = this.#run;
    await this.#throughInterruptions(() => member.start(signal));
    while (!signal.aborted) {
      const room = Math.min(this.consumer.bufferSize, MOST_OUT) - this.#out.size;
      if (room <= 0 || !this.consumer.connection.isFree) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
        continue;
      }
      const deliveries = await this.#throughInterruptions(() =>
        this.#pastGap(() => member.pull(room, signal)),
      );
      if (deliveries !== undefined) this.#deliver(deliveries);
    }
  }

  // What the group has lost is told, and then it goes on.
  async #pastGap<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SourceGap)) throw error;
      const missed = error.missed === undefined ? {} : { missed: error.missed };
      this.#told.gap({ message: error.message, ...missed });
      return await work();
    }
  }

  #deliver(deliveries: readonly GroupDelivery[]): void {
    if (this.#run.signal.aborted) {
      // They came too late: they are given back with the others.
      for (const { id } of deliveries) this.#out.add(id);
      return;
    }
    const rests: Buffer[] = [];
    for (const { id, attempt, event, cursor } of deliveries) {
      this.facts.saw(event);
      const delivery = { id, attempt };
      try {
        const written = { event, delivery, ...(cursor === undefined ? {} : { cursor }) };
        rests.push(Buffer.from(encodeEventRest(written)));
        this.#out.add(id);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#told.gap({ missed: 1, message: error.message });
        this.#sendBack([id]);
      }
    }
    if (rests.length > 0) this.consumer.write(rests);
  }

  async #throughInterruptions<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#run;
    const { firstWaitMs, longestWaitMs, outageMs } = this.#limits;
    const backoff = new Backoff({ firstMs: firstWaitMs, longestMs: longestWaitMs });
    let since: number | undefined;
    while (!signal.aborted) {
      try {
        const result = await work();
        this.#moveTo('connected');
        return result;
      } catch (error) {
        if (signal.aborted || !(error instanceof SourceInterrupted)) throw error;
        this.#moveTo('disconnected', error.message);
        const now = performance.now();
        since ??= now;
        const waitMs = Math.max(backoff.next(), error.waitMs);
        if (now + waitMs - since > outageMs) throw this.#unreachable(error);
        await sleep(waitMs, undefined, { signal }).catch(() => {});
        if (!signal.aborted) this.#moveTo('reconnecting', error.message);
      }
    }
    return undefined;
  }

  #unreachable(cause: SourceInterrupted): ConsumeError {
    return new ConsumeError(
      'network',
      'unreachable',
      `the group ${this.#group} of ${this.#hub.source.name} cannot be reached: ${cause.message}`,
      { hint: 'Consume again once the server answers: the group keeps its place.' },
      { cause },
    );
  }

  #moveTo(state: 'connected' | 'disconnected' | 'reconnecting', reason?: string): void {
    if (!this.#run.signal.aborted && this.facts.moveTo(state, reason)) this.#told.tell();
  }

  #extend(): void {
    if (this.#out.size === 0) return;
    // Again in a while: there is time for a further try.
    this.#member?.extend([...this.#out]).catch((error: unknown) => {
      this.#log.warn('group: no more time for deliveries', { group: this.#group, error: String(error) });
    });
  }

  #answers(send: (member: GroupMember, ids: readonly string[]) => Promise<void>): Answers {
    const sendPastGap = async (ids: readonly string[]) => {
      const member = this.#member;
      if (member !== undefined) await this.#pastGap(() => send(member, ids));
    };
    return new Answers(sendPastGap, this.#limits, (error, ids) => {
      this.#log.warn('group: an answer was not taken, its events come again', {
        group: this.#group,
        count: ids.length,
        error: String(error),
      });
    });
  }
}

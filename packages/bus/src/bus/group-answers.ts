import type { Logger } from '@weir/base';
import { type GroupMember, SourceInterrupted } from '@weir/event/source';
import { Answers } from './answers.js';
import type { BusLimits } from './bus-limits.js';

/** Options of {@link GroupAnswers}. */
export interface GroupAnswersOptions {
  readonly group: string;
  readonly limits: BusLimits;
  readonly log: Logger;
  /** Calls the source for the member; throws SourceInterrupted until the group is joined. */
  readonly call: (work: (member: GroupMember) => Promise<void>) => Promise<void>;
  /** Called when the source has stored or permanently rejected the outcomes; the consumer need not repeat them. */
  readonly onSettled: (ids: readonly string[]) => void;
}

/** The outcomes that a member reports to the source: acknowledged, failed, or released without an attempt. */
export class GroupAnswers {
  readonly #options: GroupAnswersOptions;
  readonly #unsettled = new Set<string>();
  readonly #acks: Answers;
  readonly #releases: Answers;
  /** By redelivery delay. */
  readonly #nacks = new Map<number, Answers>();

  constructor(options: GroupAnswersOptions) {
    this.#options = options;
    this.#acks = this.#answers((member, ids) => member.ack(ids), options.onSettled);
    this.#releases = this.#answers((member, ids) => member.release(ids));
  }

  /** Ids whose outcome the source may not have stored yet. */
  get unsettled(): Iterable<string> {
    return this.#unsettled;
  }

  ack(ids: readonly string[]): void {
    for (const id of ids) this.#unsettled.add(id);
    this.#acks.add(ids);
  }

  nack(ids: readonly string[], delayMs = 0): void {
    const known = this.#nacks.get(delayMs);
    const answers =
      known ?? this.#answers((member, some) => member.nack(some, delayMs), this.#options.onSettled);
    if (known === undefined) this.#nacks.set(delayMs, answers);
    for (const id of ids) this.#unsettled.add(id);
    answers.add(ids);
    void this.#forgetWhenSent(delayMs, answers);
  }

  /** Number of delays with unsent outcomes. */
  get delays(): number {
    return this.#nacks.size;
  }

  release(ids: readonly string[]): void {
    this.#releases.add(ids);
  }

  /** Resolves once no interrupted call is being retried. */
  async caughtUp(): Promise<void> {
    for (const one of this.#all) await one.caughtUp();
  }

  /** Stops retrying while the source is unavailable. */
  giveUp(): void {
    for (const one of this.#all) one.giveUp();
  }

  /** Resolves once all outcomes are sent or abandoned. */
  async sent(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.sent()));
  }

  /** Each event can have another delay, so unused senders are deleted; otherwise the map would grow without a bound. */
  async #forgetWhenSent(delayMs: number, answers: Answers): Promise<void> {
    await answers.sent();
    if (answers.isIdle && this.#nacks.get(delayMs) === answers) this.#nacks.delete(delayMs);
  }

  get #all(): readonly Answers[] {
    return [this.#acks, this.#releases, ...this.#nacks.values()];
  }

  #answers(
    send: (member: GroupMember, ids: readonly string[]) => Promise<void>,
    notify: (ids: readonly string[]) => void = () => {},
  ): Answers {
    const { group, limits, log, call } = this.#options;
    const onSettled = (ids: readonly string[], error?: unknown) => {
      for (const id of ids) this.#unsettled.delete(id);
      notify(ids);
      if (error === undefined) return;
      const facts = { group, count: ids.length, error: String(error) };
      log.warn(facts, 'group: the source rejected an outcome, its events are redelivered');
    };
    return new Answers({ send: (ids) => call((member) => send(member, ids)), limits, onSettled });
  }
}

/** The error for outcomes that arrive before the first pull, which joins the group. */
export function notJoined(): SourceInterrupted {
  return new SourceInterrupted('the group is not joined yet');
}

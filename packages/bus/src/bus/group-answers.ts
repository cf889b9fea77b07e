import type { Logger } from '@weir/base';
import { type GroupMember, SourceInterrupted } from '@weir/event/source';
import { Answers } from './answers.js';
import type { BusLimits } from './bus-limits.js';

/** What {@link GroupAnswers} work with. */
export interface GroupAnswersOptions {
  readonly group: string;
  readonly limits: BusLimits;
  readonly log: Logger;
  /** Calls the source as the member; throws SourceInterrupted while the group is not joined. */
  readonly call: (work: (member: GroupMember) => Promise<void>) => Promise<void>;
  /** The source knows the outcome of these, or refuses it for good: the consumer need not tell another bus. */
  readonly onSettled: (ids: readonly string[]) => void;
}

/** All that a member answers to its deliveries: done, failed, never tried. */
export class GroupAnswers {
  readonly #options: GroupAnswersOptions;
  readonly #unsettled = new Set<string>();
  readonly #acks: Answers;
  readonly #releases: Answers;
  /** By how long the events are to wait. */
  readonly #nacks = new Map<number, Answers>();

  constructor(options: GroupAnswersOptions) {
    this.#options = options;
    this.#acks = this.#answers((member, ids) => member.ack(ids), options.onSettled);
    this.#releases = this.#answers((member, ids) => member.release(ids));
  }

  /** Ids whose outcome the source may not know yet. */
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

  /** How many delays have answers that are not sent yet. */
  get delays(): number {
    return this.#nacks.size;
  }

  release(ids: readonly string[]): void {
    this.#releases.add(ids);
  }

  /** Resolves once nothing is sent again because the source was interrupted. */
  async caughtUp(): Promise<void> {
    for (const one of this.#all) await one.caughtUp();
  }

  /** Tries no more where the source is interrupted. */
  giveUp(): void {
    for (const one of this.#all) one.giveUp();
  }

  /** Resolves once all are sent, or given up. */
  async sent(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.sent()));
  }

  /** A consumer may name another delay for each event: only those with answers on their way are kept. */
  async #forgetWhenSent(delayMs: number, answers: Answers): Promise<void> {
    await answers.sent();
    if (answers.isIdle && this.#nacks.get(delayMs) === answers) this.#nacks.delete(delayMs);
  }

  get #all(): readonly Answers[] {
    return [this.#acks, this.#releases, ...this.#nacks.values()];
  }

  #answers(
    send: (member: GroupMember, ids: readonly string[]) => Promise<void>,
    tell: (ids: readonly string[]) => void = () => {},
  ): Answers {
    const { group, limits, log, call } = this.#options;
    const onSettled = (ids: readonly string[], error?: unknown) => {
      for (const id of ids) this.#unsettled.delete(id);
      tell(ids);
      if (error === undefined) return;
      const facts = { group, count: ids.length, error: String(error) };
      log.warn(facts, 'group: an answer was not taken, its events come again');
    };
    return new Answers({ send: (ids) => call((member) => send(member, ids)), limits, onSettled });
  }
}

/** Answers come before the first pull, which joins the group. */
export function notJoined(): SourceInterrupted {
  return new SourceInterrupted('the group is not joined yet');
}

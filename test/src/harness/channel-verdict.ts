/** What must hold of a channel at its end, whatever befell it. */

/** A message as a participant saw it. */
export interface Seen {
  readonly index: number;
  readonly sequence: number;
  readonly senderId: string;
  readonly attempt: number;
  readonly type: string;
  readonly text: string;
}

/** What was acknowledged: the content and where it went. */
export interface Acknowledged {
  readonly index: number;
  readonly text: string;
}

/** What a reader got, and from where. */
export interface Reading {
  readonly after: number;
  readonly seen: readonly Seen[];
}

/** The observations of all participants. */
export interface Known {
  readonly readers: readonly Reading[];
  readonly acknowledged: readonly Acknowledged[];
  /** Contents in the order in which a sender gave them; a submitter is one, and each attempt of an executor. */
  readonly given: ReadonlyMap<string, readonly string[]>;
}

/**
 * One order for everyone, dense from 1; nothing acknowledged is missing or elsewhere; nothing is there twice; each sender's
 * messages are in its order; attempts never go back.
 * @param truth all that is stored
 * @throws Broken
 */
export function judge(truth: readonly Seen[], { readers, acknowledged, given }: Known): void {
  let attempt = 0;
  for (const [i, seen] of truth.entries()) {
    check(seen.index === i + 1, `index ${seen.index} is at place ${i + 1}`);
    check(seen.attempt >= attempt, 'attempts go back');
    attempt = seen.attempt;
  }
  for (const reader of readers) sawAll(reader, truth);
  for (const { index, text } of acknowledged) {
    const stored = truth[index - 1];
    check(stored?.text === text, `${text} was acknowledged at ${index}, there is ${show(stored)}`);
  }
  const data = truth.filter(({ type }) => type === 'data');
  check(new Set(data.map(({ text }) => text)).size === data.length, 'a message is there twice');
  for (const [sender, texts] of given) {
    const stored = data.filter(({ senderId }) => senderId.startsWith(sender)).map(({ text }) => text);
    const order = stored.map((text) => texts.indexOf(text));
    const isKept = order.every((place, i) => place >= 0 && place > (order[i - 1] ?? -1));
    check(isKept, `${sender} is out of order: ${order}`);
  }
  const senders = [...given.keys()];
  const isKnown = ({ senderId }: Seen) => senders.some((sender) => senderId.startsWith(sender));
  check(data.every(isKnown), 'somebody unknown has sent');
}

/** A promise that did not hold. */
export class Broken extends Error {}

/** @throws Broken */
export function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Broken(message);
}

function sawAll({ after, seen }: Reading, truth: readonly Seen[]): void {
  const expected = truth.slice(after);
  check(seen.length === expected.length, `a reader after ${after} saw ${seen.length} of ${expected.length}`);
  for (const [i, one] of seen.entries()) {
    const isSame = JSON.stringify(one) === JSON.stringify(expected[i]);
    check(isSame, `a reader saw ${show(one)} for ${show(expected[i])}`);
  }
}

function show(seen: Seen | undefined): string {
  return JSON.stringify(seen)?.slice(0, 120) ?? 'nothing';
}

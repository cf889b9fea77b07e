/**
 * How far both sides of a channel have come. Every entry carries it as of itself: so the last entry says all that the
 * next append must know, and a sequence is found by halving, as the sequences of a side only grow along the log. Only
 * two senders can ever ask for one: the submitter, and the executor of the newest attempt.
 */
import type { Sender } from './caller.js';

/** How far one side has come. */
export interface SenderPlace {
  /** Its last sequence; -1 before the first. */
  readonly sequence: number;
  /** Whether it has sent `end`. */
  readonly ended: boolean;
}

/** How far both sides have come. */
export interface Senders {
  readonly submitter: SenderPlace;
  /** Of the newest attempt that the log has seen. */
  readonly executor: SenderPlace;
  readonly attempt: number;
}

const NONE: SenderPlace = { sequence: -1, ended: false };

export const NO_SENDERS: Senders = { submitter: NONE, executor: NONE, attempt: 0 };

/** How far the executor of an attempt has come. */
export function executorPlace(senders: Senders, attempt: number): SenderPlace {
  return senders.attempt === attempt ? senders.executor : NONE;
}

/** How far a sender has come. */
export function placeOf(senders: Senders, { role, attempt }: Sender): SenderPlace {
  return role === 'submitter' ? senders.submitter : executorPlace(senders, attempt);
}

/** How far they are after one more message of a sender. */
export function advance(senders: Senders, sender: Sender, place: SenderPlace): Senders {
  const { attempt } = sender;
  if (sender.role === 'executor') return { submitter: senders.submitter, executor: place, attempt };
  return { submitter: place, executor: executorPlace(senders, attempt), attempt };
}

/** Whether a sender has come as far as a sequence. No entry is of a later attempt than who may ask. */
export function hasReached(senders: Senders, sender: Sender, sequence: number): boolean {
  return placeOf(senders, sender).sequence >= sequence;
}

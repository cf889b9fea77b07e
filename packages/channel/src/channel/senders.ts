/**
 * The places of both senders of a channel. Every entry carries them as of itself, so the last entry contains all that
 * the next append needs. The sequences of a side only grow along the log, so a binary search finds one. Only two
 * senders can look up a sequence: the submitter, and the executor of the newest attempt.
 */
import type { Sender } from './caller.js';

/** The place of one sender. */
export interface SenderPlace {
  /** Its last sequence; -1 before the first. */
  readonly sequence: number;
  /** Whether it has sent `end`. */
  readonly ended: boolean;
}

/** The places of both senders. */
export interface Senders {
  readonly submitter: SenderPlace;
  /** Of the newest attempt in the log. */
  readonly executor: SenderPlace;
  readonly attempt: number;
}

const NONE: SenderPlace = { sequence: -1, ended: false };

export const NO_SENDERS: Senders = { submitter: NONE, executor: NONE, attempt: 0 };

/** The place of the executor of an attempt. */
export function executorPlace(senders: Senders, attempt: number): SenderPlace {
  return senders.attempt === attempt ? senders.executor : NONE;
}

/** The place of a sender. */
export function placeOf(senders: Senders, { role, attempt }: Sender): SenderPlace {
  return role === 'submitter' ? senders.submitter : executorPlace(senders, attempt);
}

/** The places after one more message of a sender. */
export function advance(senders: Senders, sender: Sender, place: SenderPlace): Senders {
  const { attempt } = sender;
  if (sender.role === 'executor') return { submitter: senders.submitter, executor: place, attempt };
  return { submitter: place, executor: executorPlace(senders, attempt), attempt };
}

/** Whether a sender has reached a sequence. No entry has a later attempt than a caller with access. */
export function hasReached(senders: Senders, sender: Sender, sequence: number): boolean {
  return placeOf(senders, sender).sequence >= sequence;
}

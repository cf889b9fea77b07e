import type { Appended, Part } from '@weir/log';

/** What is to be in the log together with a request's events, in the same commit: both are there, or neither. */
export interface Companion {
  /** Asked once, when it is known how many events are new; not at all where none is. */
  part(accepted: number): Part;
  /** Told where it is, or that it is not there. */
  settled(place: Appended | null): void;
}

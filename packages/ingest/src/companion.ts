import type { Appended, Part } from '@weir/log';

/** Accompanies the events of a request into the log: its parts are stored in the same commits as the events. */
export interface Companion {
  /**
   * Called before each append of events of the request, so several times for a large request. Later calls can come before
   * the earlier appends are settled. Not called if the request has no new events.
   * @param events new events in this append
   * @returns the part to append together with them
   */
  part(events: number): Part;
  /** Reports the result of the append of `part`: its place, or null if the append failed. */
  settled(part: Part, place: Appended | null): void;
}

import type { Appended, Part } from '@weir/log';

/** Parts that are stored in the same commits as the events of a request. */
export interface Companion {
  /**
   * Called before each append of events of the request, so several times for a large request. Later calls can precede
   * the settlement of earlier appends. Not called if the request has no new events.
   * @param events new events in this append
   * @returns the part to append together with them
   */
  part(events: number): Part;
  /** Reports the result of the append of `part`: its place, or null if the append failed. */
  settled(part: Part, place: Appended | null): void;
}

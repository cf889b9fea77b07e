import type { Sink } from '@weir/extension';

/** How the suite gets at a sink and at what it keeps. Each has a backend of its own, which is empty at first. */
export interface SinkHarness {
  /** The sink's name, as it is registered. */
  readonly name: string;
  /**
   * Whether a record that comes again is kept once, by this sink and by one opened after it was ended in mid-work. A
   * sink that is not exact may keep a repeat again, and must lose none.
   */
  readonly exact: boolean;
  /** Whether `read` tells the order in which records were kept. */
  readonly ordered: boolean;
  /** A sink on this backend. The suite closes it, or leaves it as a crash does: what it holds must not be kept then. */
  open(): Promise<Sink>;
  /**
   * The records the backend has: the id of each, as often as it is kept. Every record of the suite has a tenant of its
   * own, which is its id: so may a sink that keeps sums find it.
   */
  read(): Promise<readonly string[]>;
  /** Takes the backend away, so that nothing can be kept. Absent where that cannot be. */
  fail?(): Promise<void>;
  /** Gives it back. */
  recover?(): Promise<void>;
  /** Ends the backend and removes its data. */
  destroy(): Promise<void>;
}

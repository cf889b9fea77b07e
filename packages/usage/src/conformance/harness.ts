import type { Sink } from '@weir/extension';

/** How the suite accesses a sink and its backend. Each harness has its own backend, empty at first. */
export interface SinkHarness {
  /** The registered name of the sink. */
  readonly name: string;
  /**
   * Whether a redelivered record is stored once, by this sink and by one opened after a crash. A sink that is not exact
   * may store a duplicate, but must lose none.
   */
  readonly exact: boolean;
  /** Whether `read` returns records in the order of storage. */
  readonly ordered: boolean;
  /**
   * Opens a sink on this backend. The suite closes it, or abandons it like a crash; records that it still buffers must
   * then not be stored.
   */
  open(): Promise<Sink>;
  /**
   * The ids of the stored records, with duplicates. Every record of the suite has its own tenant, equal to its id, so
   * that a sink that stores sums can find it too.
   */
  read(): Promise<readonly string[]>;
  /** Makes the backend unavailable. Absent if that is impossible. */
  fail?(): Promise<void>;
  /** Makes the backend available again. */
  recover?(): Promise<void>;
  /** Stops the backend and removes its data. */
  destroy(): Promise<void>;
}

import type { Logger } from '@weir/base';
import type { Source, SourceSpec } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';
import type { Lease } from './lease.js';

/**
 * Why a bus ends. `idle`: it has no consumers. `shutdown`: an operator stopped it. `handover`: a consumer of a newer
 * release joined, and a bus of that release should replace this one.
 */
export type BusEnd = 'idle' | 'shutdown' | 'handover';

/** Options of a {@link Bus}. */
export interface BusOptions {
  /** The release of this bus, such as `1.2.0`. */
  readonly version: string;
  /** The secret that every hello must contain. */
  readonly secret: string;
  /** File that persists the leases: an absolute path. */
  readonly leasesFile: string;
  /** Opens a source. The spec contains no `names`, because the hub merges the names of all consumers. */
  readonly openSource: (spec: SourceSpec, credential: string | undefined) => Source;
  /**
   * Runs a key's cleanup in a separate process, which is killed when the signal aborts. Rejects on failure.
   *
   * @param credential of the consumer that created the lease; undefined if an earlier bus held it.
   */
  readonly runCleanup: (lease: Lease, credential: string | undefined, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly limits?: Partial<BusLimits>;
}

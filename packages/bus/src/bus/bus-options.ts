import type { Logger } from '@weir/base';
import type { Source, SourceSpec } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';
import type { Lease } from './lease.js';

/**
 * Why a bus ends: `idle`, nobody needs it · `shutdown`, it was told to · `handover`, a consumer of a newer release came,
 * and a bus of that release should take its place.
 */
export type BusEnd = 'idle' | 'shutdown' | 'handover';

/** What a bus is made of. */
export interface BusOptions {
  /** The release of this bus, such as `1.2.0`. */
  readonly version: string;
  /** What a hello must carry. */
  readonly secret: string;
  /** Where leases are kept: an absolute path. */
  readonly leasesFile: string;
  /** Makes the source of a spec, which is without `names`. */
  readonly openSource: (spec: SourceSpec, credential: string | undefined) => Source;
  /**
   * Runs a key's cleanup in a process of its own, which is ended when the signal aborts; rejects when it failed.
   *
   * @param credential of the consumer that the lease was made for; undefined where only an earlier bus knew it.
   */
  readonly runCleanup: (lease: Lease, credential: string | undefined, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
  readonly limits?: Partial<BusLimits>;
}

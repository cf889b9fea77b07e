/** Limits of a store. */
export interface StreamLimits {
  /** Streams of one project; default 100,000. */
  readonly streams: number;
  /** Bytes of a stream's own content, without the content that a fork shares; default 1 GiB. */
  readonly bytes: number;
  /** Producers that a stream retains; those silent for a week may be evicted. Default 1,000. */
  readonly producers: number;
  /** Maximum depth of forks of forks; default 32. */
  readonly forkDepth: number;
  /** Bytes of queued appends of one stream; default 64 MiB. */
  readonly waitingBytes: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: StreamLimits = {
  streams: 100_000,
  bytes: 1024 * MIB,
  producers: 1_000,
  forkDepth: 32,
  waitingBytes: 64 * MIB,
};

/** What a store allows. */
export interface StreamLimits {
  /** Streams of one project; default 100,000. */
  readonly streams: number;
  /** Bytes a stream holds of its own, what a fork shares left out; default 1 GiB. */
  readonly bytes: number;
  /** Producers a stream remembers; those silent for a week make room. Default 1,000. */
  readonly producers: number;
  /** Forks of forks; default 32. */
  readonly forkDepth: number;
  /** Bytes that may wait to be stored in one stream; default 64 MiB. */
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

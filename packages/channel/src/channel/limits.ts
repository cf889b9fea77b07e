/** What one channel may hold. */
export interface ChannelLimits {
  /** Bytes of one payload; default 10 MiB. */
  readonly payloadBytes: number;
  /** Entries kept; default 10,000. */
  readonly entries: number;
  /** Bytes of the entries kept, some 80 an entry besides its payload; default 256 MiB. */
  readonly bytes: number;
}

/** What one process may do; kept with it, so that what it was made with holds until its end. */
export interface ProcessLimits extends ChannelLimits {
  /** Channels it has; default 100. */
  readonly channelsPerProcess: number;
  /** How fast each of its senders may send; `false` for as fast as it can. */
  readonly rateLimit: RateLimit | false;
}

/** What a router allows. */
export interface Limits extends ChannelLimits {
  /** Channels of one process; default 100. */
  readonly channelsPerProcess: number;
  /** Entries that may wait for one subscriber that keeps up no more; default 10,000. */
  readonly subscriberEntries: number;
  /** Bytes of those entries; default 16 MiB. */
  readonly subscriberBytes: number;
}

/** How fast one sender of one process may send. */
export interface RateLimit {
  /** Messages a second in the long run; default 100. */
  readonly perSecond: number;
  /** Messages at once after a pause; default 500. */
  readonly burst: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  payloadBytes: 10 * MIB,
  entries: 10_000,
  bytes: 256 * MIB,
  channelsPerProcess: 100,
  subscriberEntries: 10_000,
  subscriberBytes: 16 * MIB,
};

export const DEFAULT_RATE_LIMIT: RateLimit = { perSecond: 100, burst: 500 };

export const DEFAULT_PROCESS_LIMITS: ProcessLimits = {
  channelsPerProcess: DEFAULT_LIMITS.channelsPerProcess,
  payloadBytes: DEFAULT_LIMITS.payloadBytes,
  entries: DEFAULT_LIMITS.entries,
  bytes: DEFAULT_LIMITS.bytes,
  rateLimit: DEFAULT_RATE_LIMIT,
};

/** What a router works with, as its setters leave it. */
export interface Settings {
  limits: Limits;
  rateLimit: RateLimit;
  rateLimitEnabled: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

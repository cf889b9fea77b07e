/** Limits of one channel. */
export interface ChannelLimits {
  /** Bytes of one payload; default 10 MiB. */
  readonly payloadBytes: number;
  /** Entries that the channel retains; default 10,000. */
  readonly entries: number;
  /** Bytes of the retained entries, about 80 an entry besides its payload; default 256 MiB. */
  readonly bytes: number;
}

/** Limits of one process; stored with the process, so that they hold until its end. */
export interface ProcessLimits extends ChannelLimits {
  /** Maximum number of channels; default 100. */
  readonly channelsPerProcess: number;
  /** Rate limit of each sender; `false` for none. */
  readonly rateLimit: RateLimit | false;
}

/** Limits of a router. */
export interface Limits extends ChannelLimits {
  /** Channels of one process; default 100. */
  readonly channelsPerProcess: number;
  /** Entries buffered for one live subscriber that falls behind; default 10,000. */
  readonly subscriberEntries: number;
  /** Bytes of those entries; default 16 MiB. */
  readonly subscriberBytes: number;
}

/** The rate limit of one sender of one process. */
export interface RateLimit {
  /** Sustained messages a second; default 100. */
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

/** The current settings of a router; its setters change them. */
export interface Settings {
  limits: Limits;
  rateLimit: RateLimit;
  rateLimitEnabled: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

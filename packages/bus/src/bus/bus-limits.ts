/** What a bus holds to. Milliseconds where not said otherwise. */
export interface BusLimits {
  /** How long it stays without consumers. Default 30 s. */
  readonly idleMs: number;
  /** How long a write to a consumer with `on_slow` `disconnect` may take. Default 5 s. */
  readonly writeDeadlineMs: number;
  /** How long a connection may take to say hello. Default 5 s. */
  readonly helloMs: number;
  /**
   * How long a newcomer waits for the hook of another, consumers of a kept lease have to come back after a start, and
   * hooks under way have when the bus ends. Default 10 s.
   */
  readonly leaseWaitMs: number;
  /** Between two statuses of a source that did not change. Default 15 s. */
  readonly statusMs: number;
  /** How long a source with offsets stays connected without consumers; one without is left at once. Default 5 s. */
  readonly lingerMs: number;
  /** Longest time between two extensions of the deliveries of a group that are out: an eighth of a lease else. Default 10 s. */
  readonly extendMs: number;
  /** How long a group that is interrupted is tried. Default an hour. */
  readonly outageMs: number;
  /** The wait before the first further try of an interrupted group, and the longest. Defaults 250 ms and 15 s. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** How many of the latest events of a source are held, and how many bytes of them. Defaults 10,000 and 16 MiB. */
  readonly ringEvents: number;
  readonly ringBytes: number;
}

export const DEFAULT_LIMITS: BusLimits = {
  idleMs: 30_000,
  writeDeadlineMs: 5_000,
  helloMs: 5_000,
  leaseWaitMs: 10_000,
  statusMs: 15_000,
  lingerMs: 5_000,
  extendMs: 10_000,
  outageMs: 3_600_000,
  firstWaitMs: 250,
  longestWaitMs: 15_000,
  ringEvents: 10_000,
  ringBytes: 16 * 1024 * 1024,
};

/** Limits of a bus. Times are in milliseconds. */
export interface BusLimits {
  /** How long the bus runs without consumers. Default 30 s. */
  readonly idleMs: number;
  /** Maximum duration of a write to a consumer with `on_slow: disconnect`. Default 5 s. */
  readonly writeDeadlineMs: number;
  /** How long a connection may take to send hello. Default 5 s. */
  readonly helloMs: number;
  /**
   * How long a new consumer waits for another's hook, how long consumers have to reconnect after a restart before the
   * bus runs their cleanup, and how long the bus waits for running hooks when it stops. Default 10 s.
   */
  readonly leaseWaitMs: number;
  /** Interval of status messages for a source whose state is unchanged. Default 15 s. */
  readonly statusMs: number;
  /**
   * How long a source with offsets stays connected without consumers; a source without offsets is closed at once.
   * Default 5 s.
   */
  readonly lingerMs: number;
  /** Maximum interval between extensions of a group's leases; otherwise an eighth of the lease. Default 10 s. */
  readonly extendMs: number;
  /** How long an interrupted group is retried. Default 1 h. */
  readonly outageMs: number;
  /** First and longest delay between retries of an interrupted group. Defaults 250 ms and 15 s. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Bounds of the ring of recent events for each source. Defaults 10,000 events and 16 MiB. */
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

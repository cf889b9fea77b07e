/** Timeouts of a consumer for its bus and its hooks, in milliseconds. */
export interface ClientLimits {
  /** Timeout for the reply to hello, which the bus may delay while another consumer's hook runs. Default 30 s. */
  readonly answerMs: number;
  /** The bus sends its status every 15 s; after this silence the consumer treats it as dead. Default 45 s. */
  readonly silenceMs: number;
  /** Timeout of `preConsume` and of `cleanup`. Default 60 s. */
  readonly hookMs: number;
  /** How long a consumer that lost its bus tries to reach or start another. Default 60 s. */
  readonly outageMs: number;
  /** How long a consumer that has been connected to its source retries during an outage of that source. Default 1 h. */
  readonly sourceOutageMs: number;
}

export const DEFAULT_LIMITS: ClientLimits = {
  answerMs: 30_000,
  silenceMs: 45_000,
  hookMs: 60_000,
  outageMs: 60_000,
  sourceOutageMs: 3_600_000,
};

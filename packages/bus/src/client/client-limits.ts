/** How patient a consumer is with its bus and its hooks. Milliseconds. */
export interface ClientLimits {
  /** How long a bus may take to answer hello; a newcomer waits there for hooks of others. Default 30 s. */
  readonly answerMs: number;
  /** Silence after which a bus is taken for dead: it tells its status every 15 s. Default 45 s. */
  readonly silenceMs: number;
  /** How long `preConsume` may take, and `cleanup`. Default 60 s. */
  readonly hookMs: number;
  /** How long a consumer whose bus is gone tries to get another. Default 60 s. */
  readonly outageMs: number;
  /** How long one that has had a source goes on without it, from one bus to the next. Default an hour. */
  readonly sourceOutageMs: number;
}

export const DEFAULT_LIMITS: ClientLimits = {
  answerMs: 30_000,
  silenceMs: 45_000,
  hookMs: 60_000,
  outageMs: 60_000,
  sourceOutageMs: 3_600_000,
};

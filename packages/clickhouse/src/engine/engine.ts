import type { Logger } from '@weir/base';
import type { EmbeddedTarget } from '../target.js';
import type { Wall } from './control.js';

/**
 * The state of an engine. `restarting`: it ended unexpectedly and is being restarted; calls fail with `unavailable`.
 */
export type EngineState = 'starting' | 'ready' | 'restarting' | 'stopped';

/** The health of an engine. */
export interface EngineHealth {
  readonly state: EngineState;
  /** Unexpected ends since the start. */
  readonly restarts: number;
  /** The process id; undefined while there is no process. */
  readonly pid: number | undefined;
}

/** The embedded engine: a supervised child process. */
export interface Engine {
  /** The address for `connectClickHouse` and `connectReader`; it stays the same across restarts. */
  readonly target: EmbeddedTarget;
  /** Concurrent tenant queries; further ones wait. */
  readonly readers: number;
  health(): EngineHealth;
  /** Calls `listener` with each new state; returns a function that removes the listener. */
  onState(listener: (state: EngineState) => void): () => void;
  /** Stops the engine, within ten seconds in any case. Idempotent. */
  close(): Promise<void>;
}

/** Options of {@link startEngine}. */
export interface EngineOptions {
  /** Weir's data directory; the engine uses `clickhouse` in it. */
  readonly dataDir: string;
  /** A prepared directory that the first start copies, see `clickhouseTemplate`. Default: the engine starts empty. */
  readonly template?: string | undefined;
  readonly logger?: Logger;
  /** Aborts the start; closes an engine that was started already. */
  readonly signal?: AbortSignal;
  /** Memory of all queries, inserts and merges together, in bytes. Default: half of the machine's, from 1.5 to 4 GiB. */
  readonly memoryBytes?: number;
  /** Concurrent tenant queries. Default 8. */
  readonly readers?: number;
  /** An engine that does not answer for this long, milliseconds, is killed and restarted. Default 30,000. */
  readonly silenceLimitMs?: number;
  /** Walls to omit, for tests that prove each of them alone. Default none. */
  readonly without?: readonly Wall[];
}

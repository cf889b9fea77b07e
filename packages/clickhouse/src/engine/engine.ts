import type { Logger } from '@weir/base';
import type { EmbeddedTarget } from '../target.js';
import type { Wall } from './control.js';

/** What an engine is doing. `restarting`: it ended unasked and is being started again; calls fail as `unavailable`. */
export type EngineState = 'starting' | 'ready' | 'restarting' | 'stopped';

/** What an engine says of itself. */
export interface EngineHealth {
  readonly state: EngineState;
  /** How often it ended unasked since the start. */
  readonly restarts: number;
  /** The engine's process; undefined while there is none. */
  readonly pid: number | undefined;
}

/** The embedded engine: a child process that is kept alive. */
export interface Engine {
  /** Where `connectClickHouse` and `connectReader` find it; the same through all restarts. */
  readonly target: EmbeddedTarget;
  /** Tenant queries that run at a time; further ones wait. */
  readonly readers: number;
  health(): EngineHealth;
  /** Calls `listener` with each new state; returns what takes the listener off again. */
  onState(listener: (state: EngineState) => void): () => void;
  /** Ends the engine in order, within ten seconds in any case. May be called again. */
  close(): Promise<void>;
}

/** What {@link startEngine} takes. */
export interface EngineOptions {
  /** Weir's data directory; the engine uses `clickhouse` in it. */
  readonly dataDir: string;
  /** A prepared directory that the first start copies, see `clickhouseTemplate`. Default: the engine begins empty. */
  readonly template?: string | undefined;
  readonly logger?: Logger;
  /** Gives up the start; a started engine is closed by it. */
  readonly signal?: AbortSignal;
  /** Memory of all queries, inserts and merges together, in bytes. Default: half of the machine's, from 1.5 to 4 GiB. */
  readonly memoryBytes?: number;
  /** Tenant queries at a time. Default 8. */
  readonly readers?: number;
  /** An engine that answers nothing for so many milliseconds is ended and started again. Default 30,000. */
  readonly silenceLimitMs?: number;
  /** Walls to leave out, for tests that prove each of them alone. Default none. */
  readonly without?: readonly Wall[];
}

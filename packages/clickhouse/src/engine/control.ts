/** Messages between the server and the engine process over the control pipe (Node's IPC channel). */

/** The directory of the engine's files. Its parent contains the files that only one start needs. */
export const DATA_DIRECTORY = 'data';

/** The first message to a new engine process. Secrets are sent in it, never in arguments, environment or files. */
export interface StartEngine {
  readonly type: 'start';
  /** The engine's own directory, which is also the working directory of the process. */
  readonly directory: string;
  readonly socketPath: string;
  readonly adminPassword: string;
  readonly readerPassword: string;
  readonly parserPassword: string;
  readonly limits: EngineLimits;
  readonly without: readonly Wall[];
}

/**
 * The mechanisms that isolate projects in the engine, see docs/isolation.md. `rights`: the reader's role, and one
 * SELECT for each statement. `rows`: the row policies.
 */
export type Wall = 'rights' | 'rows';

/** Resource limits of the engine. */
export interface EngineLimits {
  /** Memory of all queries, inserts and merges together, in bytes. */
  readonly memoryBytes: number;
  /** Concurrent tenant queries. */
  readonly readers: number;
}

export type ToEngine = StartEngine | { readonly type: 'stop' };

export type FromEngine =
  | { readonly type: 'ready' }
  /** The engine cannot start; its process ends. */
  | { readonly type: 'failed'; readonly reason: string };

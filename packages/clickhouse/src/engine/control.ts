/** What server and engine process say to one another over the control pipe (Node's IPC channel). */

/** The directory of the engine's files. The files that a single start needs are in the directory above it. */
export const DATA_DIRECTORY = 'data';

/** The first message to a new engine process. Secrets travel here and never in arguments, environment or files. */
export interface StartEngine {
  readonly type: 'start';
  /** The engine's own directory, also the process's working directory. */
  readonly directory: string;
  readonly socketPath: string;
  readonly adminPassword: string;
  readonly readerPassword: string;
  readonly parserPassword: string;
  readonly limits: EngineLimits;
  readonly without: readonly Wall[];
}

/**
 * What keeps projects apart in the engine, see docs/isolation.md. `rights`: the reader's role, and one SELECT a
 * statement. `rows`: the row policies.
 */
export type Wall = 'rights' | 'rows';

/** What the engine may use. */
export interface EngineLimits {
  /** Memory of all queries, inserts and merges together, in bytes. */
  readonly memoryBytes: number;
  /** Tenant queries at a time. */
  readonly readers: number;
}

export type ToEngine = StartEngine | { readonly type: 'stop' };

export type FromEngine =
  | { readonly type: 'ready' }
  /** It cannot start; its process ends. */
  | { readonly type: 'failed'; readonly reason: string };

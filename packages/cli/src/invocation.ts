import type { Readable } from 'node:stream';
import type { ApiClient } from './api/client.js';
import type { Connection } from './connection/connection.js';
import type { ConnectionOptions, Environment } from './connection/sources.js';
import { Output, type OutputStream } from './output/output.js';

/** The process a command runs in. */
export interface CliContext {
  readonly env: Environment;
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Leaves it to the command what happens once nobody reads its output any more; else the process ends at once. */
  readonly onBrokenPipe?: (handle: () => void) => void;
  /** Leaves it to the command what happens when its output cannot be written, as on a full disk; else the process ends. */
  readonly onOutputFailure?: (handle: (error: Error) => void) => void;
  /** Ends the process with the command, whatever is still under way: output that nobody takes, or a child. */
  readonly abandonRest?: () => void;
}

/** Options that every command takes. */
export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** Of commands that show what others wrote: as it is, also on a terminal. */
interface RawOption {
  readonly raw?: boolean;
}

/** One call of a command: where it reads and writes, and whom it talks to. */
export class Invocation {
  readonly context: CliContext;
  readonly options: GlobalOptions;
  readonly output: Output;

  constructor(context: CliContext, options: GlobalOptions & RawOption) {
    this.context = context;
    this.options = options;
    const { json = false, debug = false, raw = false } = options;
    this.output = new Output(context.stdout, context.stderr, { json, debug, raw, env: context.env });
  }

  /** Server, project and credentials. Throws CliError `usage` for what cannot be read. */
  async connection(): Promise<Connection> {
    return await this.#connect(this.options);
  }

  /** The server with the operator key. */
  async operator(): Promise<{ api: ApiClient; connection: Connection }> {
    const connection = await this.connection();
    const { requireOperatorKey } = await import('./connection/connection.js');
    return { api: await client(connection, requireOperatorKey(connection)), connection };
  }

  /** The server with an API key, for what is in the key's own project. */
  async keyed(): Promise<{ api: ApiClient; key: string }> {
    const connection = await this.connection();
    const { requireAnyKey } = await import('./connection/connection.js');
    const key = requireAnyKey(connection);
    return { api: await client(connection, key), key };
  }

  /**
   * The server with the project's API key, and the path of the project.
   * @param id of the project, where a command names it otherwise than by --project
   */
  async project(id?: string): Promise<{ api: ApiClient; path: string; connection: Connection }> {
    const connection = await this.#connect(
      id === undefined ? this.options : { ...this.options, project: id },
    );
    const { requireKey } = await import('./connection/connection.js');
    const { project, key } = requireKey(connection);
    const path = `/api/v1/projects/${encodeURIComponent(project)}`;
    return { api: await client(connection, key), path, connection };
  }

  // Modules of the connection are loaded by need: their schemas take as long as the rest of a command that needs no server.
  async #connect(options: ConnectionOptions): Promise<Connection> {
    const { env, cwd } = this.context;
    const { mergeSources } = await import('./connection/connection.js');
    const { connectionSources } = await import('./connection/sources.js');
    return mergeSources(await connectionSources(options, env, cwd));
  }
}

async function client({ server }: Connection, key: string): Promise<ApiClient> {
  const { ApiClient } = await import('./api/client.js');
  return new ApiClient(server, key);
}

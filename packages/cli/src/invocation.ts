import type { Readable } from 'node:stream';
import type { ApiClient } from './api/client.js';
import type { Connection } from './connection/connection.js';
import type { ConnectionOptions, Environment } from './connection/sources.js';
import { Output, type OutputStream } from './output/output.js';

/** The process that a command runs in. */
export interface CliContext {
  readonly env: Environment;
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Lets the command handle a broken output pipe; by default the process ends. */
  readonly onBrokenPipe?: (handle: () => void) => void;
  /** Lets the command handle a failed write, such as a full disk; by default the process ends. */
  readonly onOutputFailure?: (handle: (error: Error) => void) => void;
  /** Ends the process with the command, even if output or a child is pending. */
  readonly abandonRest?: () => void;
}

/** Options of every command. */
export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** Option of commands that show untrusted text: write it unchanged to a terminal. */
interface RawOption {
  readonly raw?: boolean;
}

/** One call of a command: its streams, options and connection. */
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

  /** Server, project and credentials. Throws CliError `usage` if a source is invalid. */
  async connection(): Promise<Connection> {
    return await this.#connect(this.options);
  }

  /** The API with the operator key. */
  async operator(): Promise<{ api: ApiClient; connection: Connection }> {
    const connection = await this.connection();
    const { requireOperatorKey } = await import('./connection/connection.js');
    return { api: await client(connection, requireOperatorKey(connection)), connection };
  }

  /** The API with an API key, for requests on the key's own project. */
  async keyed(): Promise<{ api: ApiClient; key: string }> {
    const connection = await this.connection();
    const { requireAnyKey } = await import('./connection/connection.js');
    const key = requireAnyKey(connection);
    return { api: await client(connection, key), key };
  }

  /**
   * The API with the project's API key, and the project's path.
   * @param id project id, if the command does not take it from --project
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

  // Load the connection modules on demand: their schemas take as long to load as a whole command that needs no server.
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

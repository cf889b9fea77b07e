/**
 * Selects server, project and credentials of a command. Sources are checked in order, and the first one with a value
 * wins. One rule applies on top: a credential is sent only to the server, and for the project, that its own source
 * names. `--server https://elsewhere` therefore never sends a profile's key to another server.
 */
import { type CliError, usageError } from '../cli-error.js';
import { isSameServer, serverUrl } from './server-url.js';

/** The server if no source names one. */
export const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/** A source of connection values. */
export interface Source {
  /** Display name: "the environment", "profile default". */
  readonly name: string;
  readonly server?: string | undefined;
  readonly project?: string | undefined;
  /** API key. */
  readonly key?: string | undefined;
  readonly operatorKey?: string | undefined;
  /** Ingest token. */
  readonly token?: string | undefined;
  /** True if the server was found in a file and not named by the user: it gets only the credentials of this source. */
  readonly isUntrusted?: boolean;
}

/** The merged result. */
export interface Connection {
  readonly server: string;
  /** Name of the source that named the server, or "the default". */
  readonly serverFrom: string;
  readonly project: string | null;
  readonly key: string | null;
  readonly operatorKey: string | null;
  readonly token: string | null;
  /** Display names of sources with a project or credential for another server: "the environment (http://other)". */
  readonly unused: readonly string[];
}

/** Merges sources; the first one has the highest priority. */
export function mergeSources(sources: readonly Source[]): Connection {
  const naming = sources.find(({ server }) => isSet(server));
  const server = serverUrl(naming?.server || DEFAULT_SERVER);
  // Credentials without a server go to the named server, but never to one that a file in the directory named.
  const here = sources.filter((source) =>
    isSet(source.server) ? sameServer(source.server, server) : naming?.isUntrusted !== true,
  );
  const project = here.find((source) => isSet(source.project))?.project || null;
  const ofProject = here.filter(
    (source) =>
      !isSet(source.project) || project === null || source.project.toLowerCase() === project.toLowerCase(),
  );
  return {
    server,
    serverFrom: naming?.name ?? 'the default',
    project,
    key: ofProject.find((source) => isSet(source.key))?.key || null,
    operatorKey: here.find((source) => isSet(source.operatorKey))?.operatorKey || null,
    token: ofProject.find((source) => isSet(source.token))?.token || null,
    unused: sources
      .filter((source) => !here.includes(source) && (isSet(source.project) || isSet(source.key)))
      .map(({ name, server: theirs }) => `${name} (${theirs ?? 'no server named'})`),
  };
}

/** The ingest token; throws if there is none. */
export function requireToken(connection: Connection): string {
  if (connection.token !== null) return connection.token;
  throw missing(`no ingest token for ${connection.server}`, '--token or WEIR_TOKEN', connection);
}

/** The project; throws if there is none. */
export function requireProject(connection: Connection): string {
  if (connection.project !== null) return connection.project;
  throw missing(`no project named for ${connection.server}`, '--project or WEIR_PROJECT', connection);
}

/** The project and its API key; throws if either is missing. */
export function requireKey(connection: Connection): { project: string; key: string } {
  const project = requireProject(connection);
  if (connection.key !== null) return { project, key: connection.key };
  const what = `no API key for project ${project} on ${connection.server}`;
  throw missing(what, '--key or WEIR_KEY', connection);
}

/** An API key, for requests that need no project; throws if there is none. */
export function requireAnyKey(connection: Connection): string {
  if (connection.key !== null) return connection.key;
  throw missing(`no API key for ${connection.server}`, '--key or WEIR_KEY', connection);
}

/** The operator key; throws if there is none. */
export function requireOperatorKey({ operatorKey, server }: Connection): string {
  if (operatorKey !== null) return operatorKey;
  throw usageError(
    `this needs the operator key of ${server}`,
    'Give --operator-key or WEIR_OPERATOR_KEY: the value the server was started with',
  );
}

/** The error for a value that no source has, or only a source of another server. */
function missing(what: string, options: string, { server, unused }: Connection): CliError {
  const give = `Give ${options}, save one with "weir login", or run the command in the directory that contains .weir`;
  if (unused.length === 0) return usageError(what, give);
  const why = `What ${unused.join(' and ')} has is not used: it belongs to another server than ${server}`;
  return usageError(what, `${why}. ${give}`);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function sameServer(text: string, server: string): boolean {
  return URL.canParse(text) && isSameServer(text, server);
}

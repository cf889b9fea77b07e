/** The sources of a connection, in order of priority. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { usageError } from '../cli-error.js';
import type { Source } from './connection.js';
import { readJsonFile } from './json-file.js';
import { type Profile, profilesPath, readProfiles } from './profiles.js';

/** Environment variables, like process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The connection options of the command line. */
export interface ConnectionOptions {
  readonly server?: string;
  readonly project?: string;
  readonly key?: string;
  readonly operatorKey?: string;
  readonly token?: string;
  readonly profile?: string;
}

/** Members are named as in the REST API; earlier releases used `project`, `key` and `token`. */
const localCredentials = z.object({
  url: z.url({ protocol: /^https?$/ }),
  project_id: z.string().optional(),
  api_key: z.string().optional(),
  ingest_token: z.string().optional(),
  project: z.string().optional(),
  key: z.string().optional(),
  token: z.string().optional(),
});

/**
 * The sources in order: options, the profile of `--profile`, the environment, the current profile, and a server whose
 * data directory is in the working directory.
 */
export async function connectionSources(
  options: ConnectionOptions,
  env: Environment,
  cwd: string,
): Promise<Source[]> {
  const { profiles, current } = await readProfiles(profilesPath(env));
  const named = options.profile;
  if (named !== undefined && profiles[named] === undefined) {
    const known = Object.keys(profiles).join(', ') || 'none';
    throw usageError(`there is no profile "${named}" (known: ${known})`, 'Make it with "weir login"');
  }
  const name = named ?? current ?? 'default';
  const profile = profiles[name];
  const fromProfile = profile === undefined ? [] : [profileSource(name, profile)];
  return [
    { ...options, name: 'the command line' },
    ...(named === undefined ? [] : fromProfile),
    environmentSource(env),
    ...(named === undefined ? fromProfile : []),
    ...(await localServer(env, cwd)),
  ];
}

/** The sources without profiles, for creating one. */
export async function sourcesOfNewProfile(
  options: ConnectionOptions,
  env: Environment,
  cwd: string,
): Promise<Source[]> {
  return [{ ...options, name: 'the command line' }, environmentSource(env), ...(await localServer(env, cwd))];
}

function environmentSource(env: Environment): Source {
  return {
    name: 'the environment',
    server: env.WEIR_SERVER,
    project: env.WEIR_PROJECT,
    key: env.WEIR_KEY,
    operatorKey: env.WEIR_OPERATOR_KEY,
    token: env.WEIR_TOKEN,
  };
}

/** The server whose data is in `WEIR_DATA_DIR`; the variables in its `.env` belong to the server. */
async function localServer(env: Environment, cwd: string): Promise<Source[]> {
  const dotenv = readDotenv(join(cwd, '.env'));
  const dataDir = resolve(cwd, env.WEIR_DATA_DIR || dotenv.WEIR_DATA_DIR || '.weir');
  const path = join(dataDir, 'credentials.json');
  const found = await readJsonFile(path, localCredentials);
  if (found === null) return [];
  const { url: server } = found;
  const project = found.project_id ?? found.project;
  const key = found.api_key ?? found.key;
  const token = found.ingest_token ?? found.token;
  const operatorKey = dotenv.WEIR_OPERATOR_KEY;
  return [
    {
      name: path,
      server,
      project,
      key,
      token,
      operatorKey,
      isUntrusted: !env.WEIR_DATA_DIR && !isLoopback(server),
    },
  ];
}

/** True if a URL refers to this machine. */
function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

function profileSource(name: string, profile: Profile): Source {
  const { server, project, key, token, operator_key: operatorKey } = profile;
  return { name: `profile ${name}`, server, project, key, token, operatorKey };
}

function readDotenv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    // No file, or an unreadable one: the server reports problems of its own files.
    return {};
  }
}

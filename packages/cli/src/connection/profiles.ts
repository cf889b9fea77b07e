/** Profiles: saved servers in `~/.weir/config.json`, readable by the owner only. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { writePrivateFile } from '@weir/base/node';
import { z } from 'zod';
import { readJsonFile } from './json-file.js';

const profile = z.object({
  server: z.url({ protocol: /^https?$/ }),
  project: z.string().optional(),
  key: z.string().optional(),
  operator_key: z.string().optional(),
  token: z.string().optional(),
});
const profilesFile = z.object({
  current: z.string().optional(),
  profiles: z.record(z.string(), profile).default({}),
});

/** A server and its credentials. */
export type Profile = z.output<typeof profile>;

/** Content of the file. */
export type Profiles = z.output<typeof profilesFile>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's Weir directory: `WEIR_HOME`, default `~/.weir`. */
export function weirHome(env: Environment): string {
  return resolve(env.WEIR_HOME || join(env.HOME || homedir(), '.weir'));
}

/** Path of the profiles file. */
export function profilesPath(env: Environment): string {
  return join(weirHome(env), 'config.json');
}

/** Reads the profiles; none if the file is missing. */
export async function readProfiles(path: string): Promise<Profiles> {
  return (await readJsonFile(path, profilesFile)) ?? { profiles: {} };
}

/** Replaces the file atomically. */
export async function writeProfiles(path: string, profiles: Profiles): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(profiles, null, 2)}\n`);
}

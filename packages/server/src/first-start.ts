/** The first start of an installation: what was made up, written where the command line finds it. */
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The first project and its credentials. Shown once on a terminal, never logged. */
export interface FirstProject {
  readonly url: string;
  readonly project: string;
  /** Ingest token. */
  readonly token: string;
  /** API key. */
  readonly key: string;
}

/** The file in the data directory by which the `weir` command on this machine finds server and credentials. */
export const CREDENTIALS_FILE = 'credentials.json';

/** Writes the file, readable by its owner only. */
export async function writeCredentials(dataDir: string, first: FirstProject): Promise<void> {
  const path = join(dataDir, CREDENTIALS_FILE);
  const draft = `${path}.new`;
  await writeFile(draft, `${JSON.stringify(first, null, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, path);
}

/** Keeps the file's URL true when the server listens elsewhere than last time; does nothing where there is none. */
export async function updateCredentialsUrl(dataDir: string, url: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(join(dataDir, CREDENTIALS_FILE), 'utf8');
  } catch {
    return;
  }
  let known: FirstProject;
  try {
    // The cast holds: the file is ours.
    known = JSON.parse(text) as FirstProject;
  } catch {
    // Cut off by a power failure, say. The credentials in it are lost with it; starting is not.
    return;
  }
  if (known.url !== url) await writeCredentials(dataDir, { ...known, url });
}

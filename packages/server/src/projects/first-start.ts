/** The first start of an installation: writes the generated credentials to the file that the command line reads. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { generateCredential } from '@weir/accounts';
import { readPrivateFile, writePrivateFile } from '@weir/base/node';
import { uuidv7 } from 'uuidv7';

/** The first project and its credentials. Shown once on a terminal, never logged. */
export interface FirstProject {
  readonly url: string;
  readonly project: string;
  /** Ingest token. */
  readonly token: string;
  /** API key. */
  readonly key: string;
}

/**
 * The file in the data directory from which the `weir` command on this machine reads the server URL and credentials.
 */
export const CREDENTIALS_FILE = 'credentials.json';

/** Writes the file, readable by its owner only. */
export async function writeCredentials(dataDir: string, first: FirstProject): Promise<void> {
  await writePrivateFile(join(dataDir, CREDENTIALS_FILE), textOf(first));
  await dropDraft(dataDir);
}

/**
 * Writes generated credentials to disk before the project is created: a server that stops in between would otherwise
 * leave a project with unknown credentials. Reuses the draft of an earlier attempt.
 */
export async function draftCredentials(dataDir: string, url: string): Promise<FirstProject> {
  const earlier = await readFirst(draftPath(dataDir));
  const draft = {
    project: uuidv7(),
    token: generateCredential('ingest'),
    key: generateCredential('api'),
    ...earlier,
    url,
  };
  await writePrivateFile(draftPath(dataDir), textOf(draft));
  return draft;
}

/** Removes a draft that was not needed. */
export async function dropDraft(dataDir: string): Promise<void> {
  await rm(draftPath(dataDir), { force: true });
}

function draftPath(dataDir: string): string {
  return join(dataDir, `${CREDENTIALS_FILE}.new`);
}

/** The names are those of the REST API. The names of earlier releases are included for scripts that read them. */
function textOf({ url, project, token, key }: FirstProject): string {
  const document = { url, project_id: project, ingest_token: token, api_key: key, project, token, key };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * Reads a credentials file; null if it is missing or unreadable, for example truncated by a power failure or owned by
 * another user.
 */
async function readFirst(path: string): Promise<FirstProject | null> {
  try {
    const text = await readPrivateFile(path);
    return text === null ? null : firstIn(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Reads a file with the names of this or of earlier releases. The cast holds: only this module writes the file. */
function firstIn(document: object): FirstProject {
  const { url, project, token, key, project_id, ingest_token, api_key } = document as Record<string, string>;
  return {
    url: url ?? '',
    project: project_id ?? project ?? '',
    token: ingest_token ?? token ?? '',
    key: api_key ?? key ?? '',
  };
}

/** Updates the URL in the file when the server listens elsewhere; no effect if there is no file. */
export async function updateCredentialsUrl(dataDir: string, url: string): Promise<void> {
  const known = await readFirst(join(dataDir, CREDENTIALS_FILE));
  if (known !== null && known.url !== url) await writeCredentials(dataDir, { ...known, url });
}

/** The first start of an installation: what was made up, written where the command line finds it. */
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

/** The file in the data directory by which the `weir` command on this machine finds server and credentials. */
export const CREDENTIALS_FILE = 'credentials.json';

/** Writes the file, readable by its owner only. */
export async function writeCredentials(dataDir: string, first: FirstProject): Promise<void> {
  await writePrivateFile(join(dataDir, CREDENTIALS_FILE), textOf(first));
  await dropDraft(dataDir);
}

/**
 * What a first project would get, on the disk before the project is made: a server that ends between the two would
 * leave a project whose credentials nobody knows. The draft of an earlier try is taken up again.
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

/**
 * The names are those of the REST API. Those of earlier releases stand beside them, for scripts that read them.
 */
function textOf({ url, project, token, key }: FirstProject): string {
  const document = { url, project_id: project, ingest_token: token, api_key: key, project, token, key };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * A credentials file, or null where there is none that can be read: one cut off by a power failure, say, or one that another
 * user has put there.
 */
async function readFirst(path: string): Promise<FirstProject | null> {
  try {
    const text = await readPrivateFile(path);
    return text === null ? null : firstIn(JSON.parse(text));
  } catch {
    return null;
  }
}

/** What a file says under the names of this release or of earlier ones. The cast holds: the file is ours. */
function firstIn(document: object): FirstProject {
  const { url, project, token, key, project_id, ingest_token, api_key } = document as Record<string, string>;
  return {
    url: url ?? '',
    project: project_id ?? project ?? '',
    token: ingest_token ?? token ?? '',
    key: api_key ?? key ?? '',
  };
}

/** Keeps the file's URL true when the server listens elsewhere than last time; does nothing where there is none. */
export async function updateCredentialsUrl(dataDir: string, url: string): Promise<void> {
  const known = await readFirst(join(dataDir, CREDENTIALS_FILE));
  if (known !== null && known.url !== url) await writeCredentials(dataDir, { ...known, url });
}

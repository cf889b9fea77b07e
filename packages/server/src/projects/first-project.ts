import { join } from 'node:path';
import { bootstrap, type CreatedProject, type Credentials } from '@weir/accounts';
import { type Logger, pause } from '@weir/base';
import { isUnavailable, type Postgres } from '@weir/postgres';
import { bootstrapOptions } from '../config/part-options.js';
import type { Config } from '../config/schema.js';
import {
  CREDENTIALS_FILE,
  draftCredentials,
  dropDraft,
  type FirstProject,
  writeCredentials,
} from './first-start.js';

const RETRY_MS = 500;

/** Dependencies of {@link makeFirstProject}. */
export interface FirstProjectParts {
  readonly config: Config;
  readonly postgres: Postgres;
  readonly credentials: Credentials;
  readonly logger: Logger;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
}

/**
 * Creates the first project of an installation once PostgreSQL is available, and writes its credentials to a file.
 * @param url the URL of the server
 * @returns null if the installation already has a project
 */
export async function makeFirstProject(parts: FirstProjectParts, url: string): Promise<FirstProject | null> {
  const { config, logger } = parts;
  const { WEIR_DATA_DIR: dataDir, WEIR_BOOTSTRAP: isOn } = config;
  const draft = isOn === 'on' ? await draftCredentials(dataDir, url) : null;
  const created = await create(parts, draft);
  const first = created === null ? await madeBefore(parts, draft) : { ...firstOf(created), url };
  if (first === null) {
    await dropDraft(dataDir);
    return null;
  }
  await writeCredentials(dataDir, first);
  const file = join(dataDir, CREDENTIALS_FILE);
  logger.info({ project: first.project, file }, 'created the first project; its credentials are in the file');
  return first;
}

async function create(
  { config, postgres, credentials, closing }: FirstProjectParts,
  draft: FirstProject | null,
): Promise<CreatedProject | null> {
  const first =
    draft === null ? {} : { first: { id: draft.project, ingestToken: draft.token, apiKey: draft.key } };
  await postgres.ready;
  for (;;) {
    try {
      return await bootstrap(postgres, credentials, { ...bootstrapOptions(config), ...first });
    } catch (error) {
      if (!isUnavailable(error) || closing.aborted) throw error;
      await pause(RETRY_MS, closing);
    }
  }
}

/** The draft of an earlier start that created its project and ended before it wrote the credentials. */
async function madeBefore(
  { credentials }: FirstProjectParts,
  draft: FirstProject | null,
): Promise<FirstProject | null> {
  if (draft === null) return null;
  const found = await credentials.lookupApiKey(draft.key);
  return found?.projectId === draft.project ? draft : null;
}

function firstOf({
  id: project,
  ingestToken: token,
  apiKey: key,
}: CreatedProject): Omit<FirstProject, 'url'> {
  return { project, token, key };
}

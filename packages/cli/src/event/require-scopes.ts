/** Checks the scopes of a credential before the command joins a bus. */
import type { RegisteredKey } from '@weir/event';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import { CliError } from '../cli-error.js';

const TIMEOUT_MS = 5_000;
const who = z.object({ project_id: z.string(), scopes: z.array(z.string()) });

/**
 * Rejects a credential of another project, and one without a scope that the key needs. A bus that is already connected
 * would not check it, because it authenticates only once. If the server does not answer, the bus reports that.
 *
 * @throws CliError `auth`
 */
export async function requireScopes(api: ApiClient, project: string, key: RegisteredKey): Promise<void> {
  const found = await api
    .json(who, { path: '/api/v1/whoami', timeoutMs: TIMEOUT_MS })
    .catch((error: unknown) => {
      const failure = CliError.from(error);
      if (failure.kind === 'auth') throw failure;
      return null;
    });
  if (found === null) return;
  if (found.project_id.toLowerCase() !== project.toLowerCase()) {
    throw new CliError(
      'auth',
      'wrong_project',
      `the API key is of project ${found.project_id}, not ${project}`,
      {
        hint: 'Give a key of that project with --key or WEIR_KEY',
      },
    );
  }
  const missing = key.scopes.filter((scope) => !found.scopes.includes(scope));
  if (missing.length === 0) return;
  throw new CliError('auth', 'insufficient_scope', `the API key lacks the scope ${missing.join(', ')}`, {
    hint: `Make one that has it: weir key create --scope ${missing.join(' --scope ')}`,
  });
}

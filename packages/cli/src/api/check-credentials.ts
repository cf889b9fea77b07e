import { CliError } from '../cli-error.js';
import type { Connection } from '../connection/connection.js';
import { ApiClient, type ApiRequest } from './client.js';

/** Result of checking one credential with the server. */
export interface CredentialCheck {
  readonly name: 'ingest token' | 'API key' | 'operator key';
  /** Null if the credential is valid. */
  readonly problem: CliError | null;
}

const TIMEOUT_MS = 10_000;

/** Checks each credential of a connection with the server, by requests that change nothing. */
export async function checkCredentials(connection: Connection): Promise<CredentialCheck[]> {
  const { server, project, key, operatorKey, token } = connection;
  const checks: Promise<CredentialCheck>[] = [];
  const check = (name: CredentialCheck['name'], credential: string, request: ApiRequest): void => {
    const ask = async (): Promise<void> =>
      await new ApiClient(server, credential).done({ ...request, timeoutMs: TIMEOUT_MS });
    checks.push(
      ask()
        .then(() => null, problemOf)
        .then((problem) => ({ name, problem })),
    );
  };
  if (token !== null) {
    check('ingest token', token, { method: 'POST', path: '/api/v1/ingest/events', body: { events: [] } });
  }
  if (key !== null && project !== null) {
    check('API key', key, { path: `/api/v1/projects/${encodeURIComponent(project)}/schema` });
  }
  if (operatorKey !== null) check('operator key', operatorKey, { path: '/api/v1/admin/ingest' });
  return await Promise.all(checks);
}

/** Reports only faults of the credential itself; a missing scope or an unavailable store is not one. */
function problemOf(error: unknown): CliError | null {
  const failure = CliError.from(error);
  const isItsFault = failure.status === 401 || failure.status === 404 || failure.kind === 'network';
  return isItsFault ? failure : null;
}

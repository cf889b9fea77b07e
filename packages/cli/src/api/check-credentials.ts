import { CliError } from '../cli-error.js';
import type { Connection } from '../connection/connection.js';
import { ApiClient, type ApiRequest } from './client.js';

/** What the server thinks of one credential. */
export interface CredentialCheck {
  readonly name: 'ingest token' | 'API key' | 'operator key';
  /** Null for a good one. */
  readonly problem: CliError | null;
}

const TIMEOUT_MS = 10_000;

/** Asks the server about each credential of a connection, by requests that change nothing. */
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

/** Only what the credential itself is to blame for: a key without the scope, or a store that is down, is no fault of it. */
function problemOf(error: unknown): CliError | null {
  const failure = CliError.from(error);
  const isItsFault = failure.status === 401 || failure.status === 404 || failure.kind === 'network';
  return isItsFault ? failure : null;
}

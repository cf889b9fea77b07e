import type { ApiClient } from '../api/client.js';
import { requireProject } from '../connection/connection.js';
import type { Invocation } from '../invocation.js';

/** The API path of a project's tokens or keys, for the operator key. */
export async function credentialsOfProject(
  invocation: Invocation,
  kind: 'tokens' | 'keys',
): Promise<{ api: ApiClient; path: string }> {
  const { api, connection } = await invocation.operator();
  const project = encodeURIComponent(requireProject(connection));
  return { api, path: `/api/v1/admin/projects/${project}/${kind}` };
}

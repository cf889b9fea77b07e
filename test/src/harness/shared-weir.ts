/**
 * One server for all test files of a worker, for files that need only a project: they neither stop the server nor change
 * what belongs to all of its projects. `shared-servers.ts` starts it for the first file that asks.
 */
import { inject } from 'vitest';
import type { SharedServer } from './shared-servers.js';
import { type ProjectCredentials, WeirProject } from './weir-project.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `GET /<worker>` answers with a {@link SharedServer}. */
    readonly sharedServers: string;
  }
}

class SharedWeir extends WeirProject {
  readonly port: number;

  constructor(port: number, credentials: ProjectCredentials) {
    super(credentials);
    this.port = port;
  }
}

/** A project of the file's own on the worker's server. */
export async function sharedWeir(): Promise<WeirProject> {
  const answer = await fetch(`${inject('sharedServers')}/${process.env.VITEST_POOL_ID}`);
  if (!answer.ok) throw new Error(`no shared server: ${await answer.text()}`);
  // The casts hold: the first answer is of shared-servers.ts, the second is that of docs/api.md.
  const { port, operatorKey } = (await answer.json()) as SharedServer;
  const made = await fetch(`http://127.0.0.1:${port}/api/v1/admin/projects`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a test file' }),
  });
  if (made.status !== 201) throw new Error(`no project: ${made.status} ${await made.text()}`);
  const {
    id: project,
    ingest_token: token,
    api_key: key,
  } = (await made.json()) as { id: string; ingest_token: string; api_key: string };
  return new SharedWeir(port, { project, token, key, operatorKey });
}

import type { Command } from 'commander';
import { z } from 'zod';
import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { collect } from './list-option.js';
import { credentialsOfProject } from './project-credentials.js';

const created = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  api_key: z.string(),
});
const list = z.object({
  keys: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      scopes: z.array(z.string()),
      created_at: z.string(),
      expires_at: z.string().nullable(),
      last_used_at: z.string().nullable(),
      revoked_at: z.string().nullable(),
    }),
  ),
});

interface CreateOptions {
  readonly name: string;
  readonly scope?: readonly string[];
  readonly expiresAt?: string;
}

/** `weir key`: a project's API keys, for the operator. */
export function keyCommand(program: Command, begin: Begin): void {
  const key = program
    .command('key')
    .description('API keys of a project (operator key)')
    .addHelpText(
      'after',
      `
Examples:
  $ weir key create --project ID --name dashboard --scope query
  $ weir key create --project ID --scope query --scope admin --expires-at 2027-01-01T00:00:00Z
  $ weir key revoke KEY_ID --project ID`,
    );
  key
    .command('create')
    .description('create an API key that is shown once')
    .option('--name <name>', 'what it is for', 'default')
    .option('--scope <scope>', 'query, feed, process, channel or admin; repeatable (default: query)', collect)
    .option('--expires-at <time>', 'RFC 3339 time with zone after which it no longer works (default: never)')
    .action(async ({ name, scope, expiresAt }: CreateOptions, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'keys');
      const made = await api.json(created, {
        method: 'POST',
        path,
        body: { name, scopes: scope, expires_at: expiresAt },
      });
      invocation.output.result(
        made,
        `Id       ${made.id}\nScopes   ${made.scopes.join(', ')}\nAPI key  ${made.api_key}  (shown once)`,
      );
    });
  key
    .command('list')
    .description('all API keys of the project, without the keys themselves')
    .action(async (_options: unknown, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'keys');
      const { keys } = await api.json(list, { path });
      const rows = keys.map((one) => [
        one.id,
        one.name,
        one.scopes.join(' '),
        one.created_at,
        one.last_used_at,
        one.expires_at,
        one.revoked_at,
      ]);
      const header = ['id', 'name', 'scopes', 'created', 'last used', 'expires', 'revoked'];
      invocation.output.result({ keys }, formatTable(header, rows));
    });
  key
    .command('revoke')
    .description('revoke an API key; it stops working on every node within 10 s')
    .argument('<id>', 'id of the key')
    .action(async (id: string, _options: unknown, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'keys');
      await api.done({ method: 'DELETE', path: `${path}/${encodeURIComponent(id)}` });
      invocation.output.result({ revoked: id }, `key ${sanitize(id)} revoked`);
    });
}

import type { Command } from 'commander';
import { z } from 'zod';
import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';
import { collect } from './list-option.js';
import { credentialsOfProject } from './project-credentials.js';

const created = z.object({ id: z.string(), name: z.string(), ingest_token: z.string() });
const list = z.object({
  tokens: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      allowed_origins: z.array(z.string()).nullable(),
      created_at: z.string(),
      revoked_at: z.string().nullable(),
    }),
  ),
});

/** `weir token`: manages a project's ingest tokens, for the operator. */
export function tokenCommand(program: Command, begin: Begin): void {
  const token = program
    .command('token')
    .description('ingest tokens of a project (operator key)')
    .addHelpText(
      'after',
      `
Examples:
  $ weir token create --project ID --name web --origin https://shop.example
  $ weir token list --project ID
  $ weir token revoke TOKEN_ID --project ID`,
    );
  token
    .command('create')
    .description('create an ingest token')
    .option('--name <name>', 'what it is for', 'default')
    .option('--origin <origin>', 'only pages of this origin may use it; repeatable', collect)
    .action(async ({ name, origin }: { name: string; origin?: string[] }, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'tokens');
      const body = { name, allowed_origins: origin ?? null };
      const made = await api.json(created, { method: 'POST', path, body });
      invocation.output.result(made, `Id            ${made.id}\nIngest token  ${made.ingest_token}`);
    });
  token
    .command('list')
    .description('all ingest tokens of the project, without the tokens themselves')
    .action(async (_options: unknown, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'tokens');
      const { tokens } = await api.json(list, { path });
      const rows = tokens.map((one) => [
        one.id,
        one.name,
        one.allowed_origins?.join(' ') ?? 'any',
        one.created_at,
        one.revoked_at,
      ]);
      invocation.output.result(
        { tokens },
        formatTable(['id', 'name', 'origins', 'created', 'revoked'], rows),
      );
    });
  token
    .command('revoke')
    .description('revoke an ingest token; it stops working on every node within 10 s')
    .argument('<id>', 'id of the token')
    .action(async (id: string, _options: unknown, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await credentialsOfProject(invocation, 'tokens');
      await api.done({ method: 'DELETE', path: `${path}/${encodeURIComponent(id)}` });
      invocation.output.result({ revoked: id }, `token ${sanitize(id)} revoked`);
    });
}

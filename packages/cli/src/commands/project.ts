import type { Command } from 'commander';
import { z } from 'zod';
import { confirm } from '../output/confirm.js';
import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';

const created = z.looseObject({
  id: z.string(),
  name: z.string(),
  ingest_token: z.string(),
  api_key: z.string(),
});
const list = z.object({
  projects: z.array(z.object({ id: z.string(), name: z.string(), created_at: z.string() })),
});

const deletedList = z.object({
  projects: z.array(
    z.looseObject({ id: z.string(), name: z.string(), deleted_at: z.string(), restorable_until: z.string() }),
  ),
});
const restored = z.looseObject({ id: z.string(), name: z.string() });

const PATH = '/api/v1/admin/projects';

/** `weir project`: manages the projects of an installation, for its operator. */
export function projectCommand(program: Command, begin: Begin): void {
  const project = program
    .command('project')
    .description('projects of the installation (operator key)')
    .addHelpText(
      'after',
      `
Examples:
  $ weir project create "Web shop" --json
  $ weir project list
  $ weir project delete 0198a6d2-0000-7000-8000-000000000000 --yes
  $ weir project list --deleted
  $ weir project restore 0198a6d2-0000-7000-8000-000000000000`,
    );
  project
    .command('create')
    .description('create a project, with an ingest token and an API key that are shown once')
    .argument('<name>', 'name of the project')
    .option('--id <uuid>', 'id of the project (default: a new one)')
    .action(async (name: string, { id }: { id?: string }, self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      const made = await api.json(created, { method: 'POST', path: PATH, body: { name, id } });
      invocation.output.result(
        made,
        `Project       ${made.id}  (${sanitize(made.name)})\nIngest token  ${made.ingest_token}\nAPI key       ${made.api_key}  (shown once)`,
      );
    });
  project
    .command('list')
    .description('all projects')
    .option('--deleted', 'deleted projects that can be restored')
    .action(async ({ deleted = false }: { deleted?: boolean }, self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      if (deleted) {
        const gone = await api.json(deletedList, { path: PATH, query: { deleted: 'true' } });
        const lines = gone.projects.map((one) => [one.id, one.name, one.deleted_at, one.restorable_until]);
        invocation.output.result(gone, formatTable(['id', 'name', 'deleted', 'restorable until'], lines));
        return;
      }
      const { projects } = await api.json(list, { path: PATH });
      const rows = projects.map(({ id, name, created_at }) => [id, name, created_at]);
      invocation.output.result({ projects }, formatTable(['id', 'name', 'created'], rows));
    });
  project
    .command('delete')
    .description('delete a project: its credentials stop working; it can be restored for 30 days')
    .argument('<id>', 'id of the project')
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: { yes?: boolean }, self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      if (yes !== true) await confirm(`Delete project ${id}?`, invocation.context);
      await api.done({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}` });
      const text = `project ${sanitize(id)} deleted; for 30 days "weir project restore ${sanitize(id)}" brings it back`;
      invocation.output.result({ deleted: id }, text);
    });
  project
    .command('restore')
    .description('bring back a project that was deleted within 30 days, with its events and credentials')
    .argument('<id>', 'id of the project')
    .action(async (id: string, _options: unknown, self: Command) => {
      const invocation = begin(self);
      const { api } = await invocation.operator();
      const path = `${PATH}/${encodeURIComponent(id)}/restore`;
      const one = await api.json(restored, { method: 'POST', path });
      invocation.output.result(one, `project ${one.id} (${sanitize(one.name)}) restored`);
    });
}

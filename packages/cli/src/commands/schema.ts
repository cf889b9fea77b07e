import type { Command } from 'commander';
import { z } from 'zod';
import { usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';

const answer = z.looseObject({
  tables: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      columns: z.array(z.looseObject({ name: z.string(), type: z.string(), description: z.string() })),
    }),
  ),
});

/** `weir schema`: the tables and columns available to SQL. */
export function schemaCommand(program: Command, begin: Begin): void {
  program
    .command('schema')
    .description('the tables that "weir query" can ask, and their columns')
    .argument('[table]', 'one of them')
    .addHelpText(
      'after',
      `
Names of events and of their properties are data: "weir query 'SELECT DISTINCT event FROM events'".

Examples:
  $ weir schema
  $ weir schema events --json`,
    )
    .action(async (table: string | undefined, _options: unknown, self: Command) => {
      await printSchema(begin(self), table);
    });
}

async function printSchema(invocation: Invocation, name: string | undefined): Promise<void> {
  const { api, path } = await invocation.project();
  const { tables } = await api.json(answer, { path: `${path}/schema` });
  const chosen = name === undefined ? tables : tables.filter((table) => table.name === name);
  if (chosen.length === 0) {
    throw usageError(
      `there is no table ${name}`,
      `There are: ${tables.map((table) => table.name).join(', ')}`,
    );
  }
  const texts = chosen.map(({ name: table, description, columns }) => {
    const rows = columns.map((column) => [column.name, column.type, column.description]);
    return `${table}: ${description}\n\n${formatTable(['column', 'type', 'description'], rows, 120)}`;
  });
  invocation.output.result({ tables: chosen }, texts.join('\n'));
}

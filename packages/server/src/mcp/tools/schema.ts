import type { McpServer } from '@modelcontextprotocol/server';
import type { TableEntry } from '@weir/query';
import { z } from 'zod';
import type { ToolCalls } from '../tool-calls.js';
import { READS_ONLY } from './annotations.js';

const output = z.looseObject({
  tables: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      columns: z.array(
        z.looseObject({
          name: z.string(),
          type: z.string().describe("ClickHouse's type"),
          description: z.string(),
        }),
      ),
    }),
  ),
});

/** `schema`: the public tables. */
export function addSchemaTool(server: McpServer, calls: ToolCalls): void {
  server.registerTool(
    'schema',
    {
      title: 'Tables and columns',
      description:
        'Every table "query" may read, with its columns and their ClickHouse types. The same for all projects: read it once. Keys inside events.properties are not columns, see "describe_event".',
      inputSchema: z.strictObject({}),
      outputSchema: output,
      annotations: READS_ONLY,
    },
    async (_input, ctx) =>
      await calls.run('schema', ctx, () => {
        const tables = calls.query.tables();
        return { text: tables.map(describe).join('\n\n'), structured: { tables } };
      }),
  );
}

function describe({ name, description, columns }: TableEntry): string {
  const lines = columns.map((column) => `  ${column.name} ${column.type}: ${column.description}`);
  return [`${name}: ${description}`, ...lines].join('\n');
}

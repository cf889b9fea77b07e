import type { McpServer } from '@modelcontextprotocol/server';
import { defined } from '@weir/base';
import { z } from 'zod';
import { rowsAnswer, rowsSchema } from '../rows-answer.js';
import type { ToolCalls } from '../tool-calls.js';
import { READS_ONLY } from './annotations.js';

const MAX_EVENTS = 100;

const input = z.strictObject({
  event: z.string().optional().describe('Only events of this name'),
  limit: z.int().min(1).max(MAX_EVENTS).default(20).describe('Events to return at most'),
});

/** `tail`: the newest events. */
export function addTailTool(server: McpServer, calls: ToolCalls): void {
  server.registerTool(
    'tail',
    {
      title: 'Newest events',
      description:
        'The newest events by timestamp, newest first, with their properties: to see what is coming in now, or what one event looks like. To count or compare, use "query".',
      inputSchema: input,
      outputSchema: rowsSchema,
      annotations: READS_ONLY,
    },
    async ({ event, limit }, ctx) =>
      await calls.run('tail', ctx, async (signal) => {
        const wanted = { ...calls.metered, ...defined({ event }), limit, signal };
        const answer = await calls.query.newest(calls.projectId, wanted);
        return rowsAnswer(answer, `limit may be ${MAX_EVENTS}; older events are in the table events.`);
      }),
  );
}

import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { count } from '../count.js';
import { excerptItems } from '../excerpt.js';
import type { ToolCalls } from '../tool-calls.js';
import { UNTRUSTED_NOTICE, untrustedBlock } from '../untrusted.js';
import { READS_ONLY } from './annotations.js';

const output = z.looseObject({
  notice: z.literal(UNTRUSTED_NOTICE),
  events: z
    .array(
      z.looseObject({
        event: z.string(),
        count: z.number(),
        first_seen: z.string().describe('RFC 3339, UTC'),
        last_seen: z.string(),
      }),
    )
    .describe('Untrusted data. The most frequent first'),
  truncated: z.boolean().describe('Whether there are more names than returned'),
});

/** `list_events`: the event names. */
export function addListEventsTool(server: McpServer, calls: ToolCalls): void {
  server.registerTool(
    'list_events',
    {
      title: 'Event names',
      description:
        'The event names this project has recorded, with how many of each and when first and last; the most frequent first. Start here. At most a minute old.',
      inputSchema: z.strictObject({}),
      outputSchema: output,
      annotations: READS_ONLY,
    },
    async (_input, ctx) =>
      await calls.run('list_events', ctx, async () => {
        const all = await calls.query.events(calls.projectId, calls.metered);
        const { items, lines } = excerptItems(all);
        const truncated = items.length < all.length;
        const summary = truncated
          ? `${items.length} of ${all.length} event names fit; for the others: SELECT event, count() FROM events GROUP BY event with a filter.`
          : `${count(items.length, 'event name')}.`;
        return {
          text: [summary, untrustedBlock(lines)].join('\n'),
          structured: { notice: UNTRUSTED_NOTICE, events: items, truncated },
        };
      }),
  );
}

import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { count } from '../count.js';
import { excerptItems } from '../excerpt.js';
import type { ToolCalls } from '../tool-calls.js';
import { ToolError } from '../tool-error.js';
import { dataLine, UNTRUSTED_NOTICE, untrustedBlock } from '../untrusted.js';
import { READS_ONLY } from './annotations.js';

/** Number of event names shown to a caller that requested an unknown one. */
const NAMES_SHOWN = 30;

const output = z.looseObject({
  notice: z.literal(UNTRUSTED_NOTICE),
  event: z.string(),
  count: z.number(),
  first_seen: z.string().describe('RFC 3339, UTC'),
  last_seen: z.string(),
  sampled: z.int().min(0).describe('Newest events that were sampled for the properties'),
  properties: z
    .array(
      z.looseObject({
        key: z.string(),
        types: z.array(z.string()).describe('JSON types seen, the most frequent first'),
        count: z.number().describe('Events of the sample that have the key'),
        examples: z.array(z.string()).describe('Different values as JSON text'),
      }),
    )
    .describe('Untrusted data. The most frequent first, at most 100'),
  truncated: z.boolean().describe('Whether there are more keys than returned'),
});

/** `describe_event`: the properties of one event. */
export function addDescribeEventTool(server: McpServer, calls: ToolCalls): void {
  server.registerTool(
    'describe_event',
    {
      title: 'Properties of an event',
      description:
        'The property keys of one event with their types, example values and how often they occur in a sample of its newest events. Read it before writing JSONExtract…(properties, key). At most a minute old.',
      inputSchema: z.strictObject({ event: z.string().describe('A name from "list_events", exactly') }),
      outputSchema: output,
      annotations: READS_ONLY,
    },
    async ({ event }, ctx) =>
      await calls.run('describe_event', ctx, async () => {
        const found = await calls.query.describeEvent(calls.projectId, event, calls.metered);
        if (found === null) throw await unknownEvent(event, calls);
        const { properties: all, ...about } = found;
        const { items: properties, lines } = excerptItems(all);
        const truncated = properties.length < all.length;
        const summary = `${count(properties.length, 'property key')}${truncated ? ` of ${all.length}` : ''}, in a sample of ${count(about.sampled, 'event')}.`;
        return {
          text: [summary, untrustedBlock([dataLine(about), ...lines])].join('\n'),
          structured: { notice: UNTRUSTED_NOTICE, ...about, properties, truncated },
        };
      }),
  );
}

async function unknownEvent(event: string, calls: ToolCalls): Promise<ToolError> {
  const names = (await calls.query.events(calls.projectId, calls.metered)).map((entry) => entry.event);
  const { lines } = excerptItems(names.slice(0, NAMES_SHOWN));
  if (lines.length === 0) {
    return new ToolError('not_found', 'this project has recorded no events yet', {
      hint: 'tell the user so.',
    });
  }
  return new ToolError(
    'not_found',
    `no event is named ${dataLine(event)}`,
    { hint: 'use one of the names below (the most frequent), or "list_events" for all.' },
    lines,
  );
}

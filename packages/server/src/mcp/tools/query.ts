import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { rowsAnswer, rowsSchema } from '../rows-answer.js';
import type { ToolCalls } from '../tool-calls.js';
import { READS_ONLY } from './annotations.js';

const DEFAULT_ROWS = 100;
const MAX_ROWS = 1_000;
/** Bytes of an answer that are read before values are cut, so that rows with large values are not dropped. */
const MAX_READ_BYTES = 8 * 1024 * 1024;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const input = z.strictObject({
  sql: z
    .string()
    .describe('One SELECT (or DESCRIBE of a table) in ClickHouse SQL, without FORMAT or SETTINGS'),
  params: z
    .record(z.string(), z.union([scalar, z.array(scalar)]))
    .optional()
    .describe('Values of {name:Type} placeholders, such as {"event": "signup"} for {event:String}'),
  max_rows: z.int().min(1).max(MAX_ROWS).default(DEFAULT_ROWS).describe('Rows to return at most'),
});

const DESCRIPTION = `Ask in SQL about this project's events; read only. ClickHouse dialect.
Tables: events (one row an event: event, timestamp, distinct_id, user_id, anonymous_id, session_id, properties as JSON text, …), persons, sessions. "schema" has all columns, "list_events" the event names, "describe_event" the property keys.
Properties: JSONExtractString(properties, 'plan'), JSONExtractFloat, JSONExtractInt, JSONExtractBool, JSONHas; nested: JSONExtractString(properties, 'a', 'b').
People: uniq(distinct_id). Days: toDate(timestamp), toStartOfHour(timestamp); recent: timestamp >= now() - INTERVAL 7 DAY.
Put values in params, never in the text: WHERE event = {event:String}.
Prefer aggregates (count, uniq, countIf, quantile, topK) to raw rows, filter by timestamp, and ORDER BY with LIMIT.`;

/** `query`: runs one SELECT. */
export function addQueryTool(server: McpServer, calls: ToolCalls): void {
  server.registerTool(
    'query',
    {
      title: 'Query events in SQL',
      description: DESCRIPTION,
      inputSchema: input,
      outputSchema: rowsSchema,
      annotations: READS_ONLY,
    },
    async ({ sql, params, max_rows: maxRows }, ctx) =>
      await calls.run('query', ctx, async (signal) => {
        const question = params === undefined ? { sql } : { sql, params };
        const answer = await calls.query.ask(calls.projectId, question, {
          ...calls.metered,
          signal,
          maxRows,
          maxBytes: MAX_READ_BYTES,
        });
        return rowsAnswer(
          answer,
          `aggregate, filter, or page with ORDER BY … LIMIT … OFFSET …; max_rows may be ${MAX_ROWS}.`,
        );
      }),
  );
}

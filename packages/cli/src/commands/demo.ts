import { type Command, InvalidArgumentError } from 'commander';
import { ApiClient } from '../api/client.js';
import { requireToken } from '../connection/connection.js';
import { MAX_EVENTS, shopEvents } from '../demo/shop.js';
import type { Invocation } from '../invocation.js';
import { asTyped } from '../output/typed-command.js';
import type { Begin } from '../program.js';
import { Delivery } from '../send/delivery.js';
import { SendReport } from '../send/report.js';
import { Sender } from '../send/sender.js';

const DEFAULT_EVENTS = 200_000;
const RETRY_FOR_MS = 60_000;

const QUERIES = [
  'SELECT event, count() AS n, uniq(distinct_id) AS people FROM events GROUP BY event ORDER BY n DESC',
  "SELECT JSONExtractString(properties, 'source') AS source, uniq(distinct_id) AS people FROM events WHERE event = 'signup' GROUP BY source ORDER BY people DESC",
  "SELECT toDate(timestamp) AS day, uniq(distinct_id) AS people, countIf(event = 'purchase') AS purchases FROM events GROUP BY day ORDER BY day",
  "SELECT countIf(level >= 1) AS viewed, countIf(level >= 2) AS in_cart, countIf(level >= 3) AS bought FROM (SELECT distinct_id, windowFunnel(86400000)(toUInt64(toUnixTimestamp64Milli(timestamp)), event = 'product_viewed', event = 'added_to_cart', event = 'purchase') AS level FROM events GROUP BY distinct_id)",
];

/** `weir demo`: sends sample data. */
export function demoCommand(program: Command, begin: Begin): void {
  program
    .command('demo')
    .description('send the last 30 days of a made-up web shop: visits, sign-ups, purchases')
    .option('--events <n>', `how many events, at most ${MAX_EVENTS}`, eventCount, DEFAULT_EVENTS)
    .option('--token <token>', 'ingest token of the project (weir_pub_…)')
    .addHelpText(
      'after',
      `
Sent again on the same day (UTC), the events are duplicates and are stored once.

Examples:
  $ weir demo
  $ weir demo --events 3000000`,
    )
    .action(async ({ events }: { events: number }, self: Command) => await demo(begin(self), events));
}

async function demo(invocation: Invocation, events: number): Promise<void> {
  const { output } = invocation;
  const connection = await invocation.connection();
  const api = new ApiClient(connection.server, requireToken(connection));
  const delivery = new Delivery(api, { retryForMs: RETRY_FOR_MS, firstRetryForMs: 0 });
  const report = new SendReport(output, events);
  const sender = new Sender(delivery, report);
  try {
    await sender.send(shopEvents(events, Date.now()));
  } catch (error) {
    report.end(sender.counts, true);
    throw error;
  }
  report.end(sender.counts, false, { queries: QUERIES });
  report.mustBeComplete(sender.counts);
  if (output.json) return;
  const examples = QUERIES.map((sql) => `  weir query "${sql}"\n`).join('\n');
  output.text(asTyped(`\nTry:\n\n${examples}`, invocation.context.env));
}

function eventCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_EVENTS) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_EVENTS}.`);
}

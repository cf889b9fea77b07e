import { type Command, InvalidArgumentError } from 'commander';
import { ApiClient } from '../api/client.js';
import { requireToken } from '../connection/connection.js';
import { flightEvents, MAX_FLIGHTS } from '../demo/flights.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';
import { Delivery } from '../send/delivery.js';
import { SendReport } from '../send/report.js';
import { Sender } from '../send/sender.js';

const DEFAULT_ROWS = 200_000;
const RETRY_FOR_MS = 60_000;

const QUERIES = [
  "SELECT count() AS flights, min(timestamp) AS first, max(timestamp) AS last FROM events WHERE event = 'flight'",
  "SELECT JSONExtractString(properties, 'origin') AS airport, count() AS flights, round(avg(JSONExtractInt(properties, 'delay')), 1) AS mean_delay FROM events WHERE event = 'flight' GROUP BY airport ORDER BY flights DESC LIMIT 10",
  "SELECT toHour(timestamp) AS hour, count() AS flights, round(avg(JSONExtractInt(properties, 'delay')), 1) AS mean_delay FROM events WHERE event = 'flight' GROUP BY hour ORDER BY hour",
];

/** `weir demo`: a real data set, to have something to look at. */
export function demoCommand(program: Command, begin: Begin): void {
  program
    .command('demo')
    .description('send a real data set as events: flights in the United States (vega-datasets)')
    .option('--rows <n>', `how many flights, at most ${MAX_FLIGHTS}`, rowCount, DEFAULT_ROWS)
    .option('--token <token>', 'ingest token of the project (weir_pub_…)')
    .addHelpText(
      'after',
      `
Sent again, the same flights are duplicates and stored nowhere, for as long as the server remembers their ids (24 h).

Examples:
  $ weir demo
  $ weir demo --rows 3000000`,
    )
    .action(async ({ rows }: { rows: number }, self: Command) => await demo(begin(self), rows));
}

async function demo(invocation: Invocation, rows: number): Promise<void> {
  const { output } = invocation;
  const connection = await invocation.connection();
  const api = new ApiClient(connection.server, requireToken(connection));
  const delivery = new Delivery(api, { retryForMs: RETRY_FOR_MS, firstRetryForMs: 0 });
  const report = new SendReport(output, rows);
  const sender = new Sender(delivery, report);
  try {
    await sender.send(flightEvents(rows));
  } catch (error) {
    report.end(sender.counts, true);
    throw error;
  }
  report.end(sender.counts, false, { queries: QUERIES });
  report.mustBeComplete(sender.counts);
  if (output.json) return;
  output.text(`\nTry:\n\n${QUERIES.map((sql) => `  weir query "${sql}"\n`).join('\n')}`);
}

function rowCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_FLIGHTS) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_FLIGHTS}.`);
}

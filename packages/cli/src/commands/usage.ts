import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import { usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { type Column, formatTable } from '../output/table.js';
import type { Begin } from '../program.js';

const total = z.looseObject({
  hour: z.string().optional(),
  day: z.string().optional(),
  src: z.string().optional(),
  stack: z.string().optional(),
  requests: z.number(),
  errors: z.number(),
  denied: z.number(),
  // Servers of earlier releases do not report events.
  events: z.number().optional(),
  fuel: z.number(),
  billable_fuel: z.number(),
  bytes_in: z.number(),
  bytes_out: z.number(),
  duration_ms: z.number(),
  engine_ms: z.number(),
  max_mem_bytes: z.number(),
});
const answer = z.looseObject({
  project_id: z.string(),
  from: z.string(),
  to: z.string(),
  usage: z.array(total),
});

interface UsageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
}

const GROUPS = ['hour', 'day', 'src', 'stack'] as const;
const FIGURES = [
  'requests',
  'errors',
  'denied',
  'events',
  'fuel',
  'billable_fuel',
  'bytes_in',
  'bytes_out',
  'engine_ms',
];

/** Adds the options that select usage totals. */
export function withUsageOptions(command: Command): Command {
  return command
    .option('--from <time>', 'beginning: a date, a time, or how far back, such as 7d (default: 30d)')
    .option('--to <time>', 'end, as for --from (default: now)')
    .option('--by <names>', 'group by hour, day, src or stack; comma separated');
}

/** `weir usage`: totals of the project's requests. */
export function usageCommand(program: Command, begin: Begin): void {
  withUsageOptions(program.command('usage'))
    .description("what the project's requests came to: requests, events, bytes, fuel")
    .addHelpText(
      'after',
      `
Whole hours of UTC; the last seconds may be missing. Fuel is metered work (docs/usage.md).

Examples:
  $ weir usage                                  the last 30 days in one line
  $ weir usage --from 7d --by day
  $ weir usage --from 2026-11-01 --to 2026-12-01 --by stack --json`,
    )
    .action(async (options: UsageOptions, self: Command) => {
      const invocation = begin(self);
      const { api, path } = await invocation.project();
      await printUsage(invocation, api, `${path}/usage`, options);
    });
}

/** Requests totals and prints them. */
export async function printUsage(
  { output }: Invocation,
  api: ApiClient,
  path: string,
  { from, to, by }: UsageOptions,
): Promise<void> {
  const wrong = by?.split(',').find((name) => !GROUPS.some((group) => group === name.trim()));
  if (wrong !== undefined) throw usageError(`--by ${wrong}: is none of ${GROUPS.join(', ')}`);
  const now = Date.now();
  const query = { from: timeOf('--from', from, now), to: timeOf('--to', to, now), group_by: by };
  const found = await api.json(answer, { path, query });
  output.result(found, tableOf(found));
}

function tableOf({ project_id, from, to, usage }: z.output<typeof answer>): string {
  const groups = GROUPS.filter((name) => usage.some((row) => row[name] !== undefined));
  const columns: Column[] = [
    ...groups.map((name) => ({ name })),
    ...FIGURES.map((name) => ({ name, isNumeric: true })),
  ];
  const rows = usage.map((row) => columns.map(({ name }) => row[name]));
  const head = `project ${project_id}, ${from} to ${to}`;
  return usage.length === 0 ? `${head}: no requests` : `${head}\n${formatTable(columns, rows).trimEnd()}`;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Converts a time for the server; undefined if none is given. */
function timeOf(option: string, text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const [, digits = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor !== undefined) return new Date(now - Number(digits) * factor).toISOString();
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  if (/^\d{4}-\d{2}-\d{2}T\S+$/.test(text) && !Number.isNaN(Date.parse(text)))
    return new Date(text).toISOString();
  throw usageError(
    `${option} ${text}: is not a time`,
    'Write a date (2026-11-21), a time (2026-11-21T16:00:00Z), or how far back (7d, 12h)',
  );
}

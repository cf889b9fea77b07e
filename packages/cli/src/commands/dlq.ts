import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError, usageError } from '../cli-error.js';
import { type DeadLetter, DeadLetters, type LetterFilter } from '../dlq/dead-letters.js';
import { exportedEvent } from '../dlq/exported-event.js';
import type { Invocation } from '../invocation.js';
import { confirm } from '../output/confirm.js';
import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { Begin } from '../program.js';

interface FilterOptions {
  readonly id?: string;
  readonly reason?: string;
  readonly state?: string;
  readonly allProjects?: boolean;
}
interface SelectionOptions extends FilterOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
}

/** `weir dlq`: events that ClickHouse rejected. */
export function dlqCommand(program: Command, begin: Begin): void {
  const dlq = program
    .command('dlq')
    .description('dead letters: batches that ClickHouse did not take')
    .addHelpText(
      'after',
      `
With the project's API key (scope admin) the events themselves can be seen; with the operator key only their counts.

Examples:
  $ weir dlq list --state quarantined
  $ weir dlq retry --reason "cannot parse"
  $ weir dlq export > refused.ndjson && weir dlq purge --all`,
    );
  addFilter(dlq.command('list').description('counts by reason, and the letters, oldest first'))
    .option('--limit <n>', 'most letters that are listed', wholeNumber, 100)
    .action(async (options: FilterOptions & { limit: number }, self: Command) => {
      await list(begin(self), options);
    });
  dlq
    .command('show')
    .description('one letter with its events')
    .argument('<id>', 'id of the letter')
    .option('--all-projects', 'as the operator')
    .action(async (id: string, options: FilterOptions, self: Command) => {
      const invocation = begin(self);
      const letters = await DeadLetters.open(invocation, options.allProjects === true);
      const letter = await letters.show(id);
      const { events = [], ...summary } = letter;
      const lines = Object.entries(summary).map(
        ([name, value]) => `${name.padEnd(16)} ${sanitize(String(value ?? ''))}`,
      );
      invocation.output.result(
        letter,
        [...lines, ...events.map((event) => sanitize(exportedEvent(event)))].join('\n'),
      );
    });
  addSelection(dlq.command('retry').description('make letters due now, quarantined ones too')).action(
    async (options: SelectionOptions, self: Command) => {
      const invocation = begin(self);
      const selection = selectionOf(options);
      const letters = await DeadLetters.open(invocation, options.allProjects === true);
      const retried = await letters.retry(selection);
      invocation.output.result({ retried }, `${countOf(retried)} due now`);
    },
  );
  addSelection(dlq.command('purge').description('delete letters permanently'))
    .option('--yes', 'do not ask')
    .action(async (options: SelectionOptions, self: Command) => {
      const invocation = begin(self);
      const selection = selectionOf(options);
      const letters = await DeadLetters.open(invocation, options.allProjects === true);
      if (options.yes !== true) {
        const { reasons } = await letters.overview(filterOf(options));
        const events = reasons.reduce((sum, one) => sum + one.events, 0);
        await confirm(
          `Drop ${options.id === undefined ? `${events} events` : `letter ${options.id}`} for good?`,
          invocation.context,
        );
      }
      const purged = await letters.purge(selection);
      invocation.output.result({ purged }, `${countOf(purged)} dropped`);
    });
  addFilter(dlq.command('export').description('write the events to standard output as NDJSON'))
    .addHelpText(
      'after',
      `
Events keep their event_id: sent again to the same server they are duplicates. "weir dlq retry" is for that.`,
    )
    .action(async (options: FilterOptions, self: Command) => {
      await exportEvents(begin(self), options);
    });
}

function addFilter(command: Command): Command {
  return command
    .option('--id <id>', 'only this letter')
    .option('--reason <reason>', 'only letters with this reason')
    .addOption(new Option('--state <state>', 'only letters in this state').choices(['active', 'quarantined']))
    .option('--all-projects', 'of all projects, as the operator');
}

function addSelection(command: Command): Command {
  return addFilter(command).option('--all', 'all letters');
}

function filterOf({ id, reason, state }: FilterOptions): LetterFilter {
  return { id, reason, state };
}

/** Requires an explicit selection for a change. */
function selectionOf(options: SelectionOptions): LetterFilter & { all?: true } {
  const { id, reason, state, all } = options;
  if (all === true) return { ...filterOf(options), all };
  if ([id, reason, state].every((one) => one === undefined)) {
    throw usageError('which letters?', 'Give --id, --reason or --state, or --all');
  }
  return filterOf(options);
}

async function list(invocation: Invocation, options: FilterOptions & { limit: number }): Promise<void> {
  const letters = await DeadLetters.open(invocation, options.allProjects === true);
  const filter = filterOf(options);
  const overview = await letters.overview(filter);
  const found: DeadLetter[] = [];
  for await (const letter of letters.list(filter, options.limit)) found.push(letter);
  const { depth, quarantined, oldest } = overview;
  const summary = `${depth} events still tried, ${quarantined} quarantined${oldest === null ? '' : `, the oldest since ${oldest}`}`;
  const rows = found.map((one) => [
    one.id,
    one.state,
    one.event_count,
    one.attempt_count,
    one.created_at,
    one.reason,
  ]);
  const table = formatTable(['id', 'state', 'events', 'attempts', 'created', 'reason'], rows);
  invocation.output.result(
    { ...overview, letters: found },
    rows.length === 0 ? summary : `${summary}\n\n${table}`,
  );
}

async function exportEvents(invocation: Invocation, options: FilterOptions): Promise<void> {
  const letters = await DeadLetters.open(invocation, options.allProjects === true);
  if (!letters.showsEvents) {
    throw new CliError('auth', 'insufficient_scope', "the operator key does not show a project's events", {
      hint: 'Export with an API key of the project that has the scope admin: --project and --key',
    });
  }
  const { stdout } = invocation.output;
  for await (const { id } of letters.list(filterOf(options))) {
    const { events = [] } = await letters.show(id);
    const text = events.map((event) => `${exportedEvent(event)}\n`).join('');
    if (!stdout.write(text)) await once(stdout, 'drain');
  }
}

function countOf(letters: number): string {
  return `${letters} ${letters === 1 ? 'letter' : 'letters'}`;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';
import { FORMATS, type Format, writeAnswer } from '../query/formats.js';
import { propertyOf } from '../send/event-of-options.js';
import { collect } from './list-option.js';

interface QueryOptions {
  readonly format?: Format;
  readonly param?: readonly string[];
}

/** `weir query`: SQL on the project's events. */
export function queryCommand(program: Command, begin: Begin): void {
  program
    .command('query')
    .description("ask in SQL over the project's events")
    .argument('[sql]', 'one SELECT; - or nothing reads it from standard input')
    .addOption(
      new Option(
        '--format <format>',
        'how rows are written (default: table on a terminal, else json)',
      ).choices(FORMATS),
    )
    .option(
      '--param <name=value>',
      'value of {name:Type} in the SQL; name:=JSON for null; repeatable',
      collect,
    )
    .option('--raw', 'on a terminal too, control characters as they are (not in a table)')
    .addHelpText(
      'after',
      `
Examples:
  $ weir query "SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC"
  $ weir query "SELECT * FROM events WHERE user_id = {user:String}" --param user=u1 --format ndjson
  $ weir query --format csv < report.sql > report.csv`,
    )
    .action(async (sql: string | undefined, options: QueryOptions, self: Command) => {
      await query(begin(self), sql, options);
    });
}

async function query(
  invocation: Invocation,
  given: string | undefined,
  options: QueryOptions,
): Promise<void> {
  const { output, context } = invocation;
  const params = Object.fromEntries(
    (options.param ?? []).map((one) => {
      const [name, json] = propertyOf(one, '--param');
      return [name, JSON.parse(json) as unknown];
    }),
  );
  const { api, path } = await invocation.project();
  if (given === undefined && context.stdin.isTTY === true) {
    throw usageError('no SQL', 'Write it as an argument, or pipe it in; see "weir help query"');
  }
  const sql = given === undefined || given === '-' ? await text(context.stdin) : given;
  if (sql.trim() === '')
    throw usageError('the SQL is empty', 'Write a SELECT, such as "SELECT count() FROM events"');
  const format = options.format ?? (output.isInteractive ? 'table' : 'json');
  await writeAnswer(api, `${path}/query`, { sql, params }, format, output);
}

import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import { sanitize } from '../output/sanitize.js';
import { hasEnded, isStale } from '../process/process-document.js';
import { processTable, processText } from '../process/process-text.js';
import { type ListOptions, ProcessesApi, requireAssignment } from '../process/processes-api.js';
import { parseJson, type SubmissionOptions, submissionOf } from '../process/submission.js';
import type { Begin } from '../program.js';
import { parseDuration } from '../send/duration.js';
import { collect } from './list-option.js';

interface WaitOption {
  readonly wait?: string;
  readonly timeout?: string;
}

interface ExecutorOptions {
  readonly assignment?: string;
}

interface CloseOptions extends ExecutorOptions {
  readonly output?: string;
  readonly error?: string;
}

const ASSIGNMENT = [
  '--assignment <token>',
  'what "weir process assign" showed (default: WEIR_ASSIGNMENT)',
] as const;

/** 24 days, the longest delay of a timer: effectively no timeout. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** `weir process`: jobs, which a submitter submits and an executor runs. */
export function processCommand(program: Command, begin: Begin): void {
  const process = program
    .command('process')
    .description('submit jobs, run them, wait for them (API key with the scope process)')
    .addHelpText(
      'after',
      `
Examples:
  $ id=$(weir process submit answer --type llm --max-exec 1m --arg question="Why?" --channel tokens)
  $ weir channel follow $id tokens --raw
  $ weir process wait $id --timeout 5m

and who runs it, in another terminal:
  $ job=$(weir process assign llm --wait 1m --json)
  $ id=$(echo "$job" | jq -r .id); export WEIR_ASSIGNMENT=$(echo "$job" | jq -r .assignment)
  $ my-model | weir channel pipe $id tokens
  $ weir process close $id --output '{"tokens":42}'`,
    );
  process
    .command('submit')
    .description('submit a process; its id is the output')
    .argument('<name>', 'what it does')
    .option('--type <executor>', 'type of executors that can run it (default: default)')
    .option('--args <json>', 'arguments for the executor')
    .option('--arg <name=value>', 'one argument: name=text or name:=JSON; repeatable', collect)
    .option(
      '--channel <spec>',
      'a channel: name[:both|to_executor|to_submitter[:reject|trim]]; repeatable',
      collect,
    )
    .option('--priority <n>', 'higher ones go first (default: 0)')
    .option('--max-wait <duration>', 'the process fails if no executor takes it within this time')
    .option('--max-exec <duration>', 'reassign it after this time without a heartbeat')
    .option('--max-retries <n>', 'how often another executor may get it before it fails (default: 3)')
    .option('--idempotency-key <key>', 'within 24 hours the same key answers with the process that exists')
    .action(async (name: string, options: SubmissionOptions, self: Command) => {
      const invocation = begin(self);
      const body = submissionOf(name, options);
      const made = await (await ProcessesApi.of(invocation)).submit(body);
      invocation.output.result(made, made.id);
    });
  process
    .command('assign')
    .description('take the next process of a type; exit code 6 if none is waiting')
    .argument('<executor-type>', 'the type')
    .option('--wait <duration>', 'how long to wait for one (default: not at all)')
    .action(async (type: string, { wait = '0' }: WaitOption, self: Command) => {
      const invocation = begin(self);
      const waitMs = parseDuration(wait, '--wait');
      const assigned = await (await ProcessesApi.of(invocation)).assign(type, waitMs);
      if (assigned === null) {
        throw new CliError('pending', 'none_waiting', `no process of type "${type}" waits`, {
          hint: wait === '0' ? 'Wait for one with --wait 1m' : 'Run the command again',
        });
      }
      const token = `Assignment     ${sanitize(assigned.assignment)}\n`;
      invocation.output.result(assigned, processText(assigned) + token);
    });
  process
    .command('heartbeat')
    .description('send a heartbeat for a process that this client runs')
    .argument('<id>', 'id of the process')
    .option(...ASSIGNMENT)
    .action(async (id: string, options: ExecutorOptions, self: Command) => {
      const invocation = begin(self);
      const assignment = requireAssignment(options.assignment, invocation);
      const api = await ProcessesApi.of(invocation);
      const now = await api.change(id, 'heartbeat', { assignment });
      invocation.output.result(now, `process ${sanitize(now.id)} is ${now.state}`);
    });
  process
    .command('close')
    .description('close a process as its executor: with success, or with --error')
    .argument('<id>', 'id of the process')
    .option('--output <json>', 'the result')
    .option('--error <text>', 'why it failed')
    .option(...ASSIGNMENT)
    .action(async (id: string, options: CloseOptions, self: Command) => {
      const invocation = begin(self);
      const assignment = requireAssignment(options.assignment, invocation);
      const { output, error } = options;
      const body = {
        assignment,
        status: error === undefined ? 'success' : 'failed',
        output: output === undefined ? undefined : parseJson(output, '--output'),
        error,
      };
      const ended = await (await ProcessesApi.of(invocation)).change(id, 'close', body);
      invocation.output.result(ended, `process ${sanitize(ended.id)} ended: ${ended.state}`);
    });
  process
    .command('cancel')
    .description('cancel a submitted process')
    .argument('<id>', 'id of the process')
    .action(async (id: string, _options: unknown, self: Command) => {
      const invocation = begin(self);
      const ended = await (await ProcessesApi.of(invocation)).change(id, 'cancel', {});
      invocation.output.result(ended, `process ${sanitize(ended.id)} cancelled`);
    });
  process
    .command('wait')
    .description('wait for the end of a process; exit code 0 for success, 1 for another end, 6 on timeout')
    .argument('<id>', 'id of the process')
    .option('--timeout <duration>', 'maximum wait (default: no limit)')
    .action(async (id: string, { timeout }: WaitOption, self: Command) => {
      const invocation = begin(self);
      const timeoutMs = timeout === undefined ? FOR_EVER_MS : parseDuration(timeout, '--timeout');
      const process = await (await ProcessesApi.of(invocation)).wait(id, timeoutMs);
      invocation.output.result(process, processText(process));
      if (process.state === 'success') return;
      if (hasEnded(process)) {
        throw new CliError('failed', `process_${process.state}`, `the process ended: ${process.state}`);
      }
      throw new CliError('pending', 'timeout', `the process is still ${process.state}`, {
        hint: 'Wait longer with --timeout',
      });
    });
  process
    .command('show')
    .description('show a process')
    .argument('<id>', 'id of the process')
    .action(async (id: string, _options: unknown, self: Command) => {
      const invocation = begin(self);
      const process = await (await ProcessesApi.of(invocation)).get(id);
      invocation.output.result(process, processText(process));
    });
  process
    .command('ls')
    .alias('list')
    .description('processes of the project, the newest first')
    .option('--state <state>', 'waiting, running, success, failed or cancelled')
    .option('--name <name>', 'only processes with this name')
    .option('--after <id>', 'only processes submitted before this one')
    .option('--limit <n>', 'maximum number (default: 100)')
    .action(async (options: ListOptions, self: Command) => {
      const invocation = begin(self);
      const found = await (await ProcessesApi.of(invocation)).list(options);
      const now = Date.now();
      const processes = found.processes.map((one) => ({ ...one, stale: isStale(one, now) }));
      invocation.output.result({ ...found, processes }, processTable(processes));
    });
}

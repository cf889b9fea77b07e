import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { Begin } from '../program.js';
import { checksFailed, checksText } from './checks.js';
import { KEYS_OPTION } from './event-keys-option.js';

/** `weir event status|stop|doctor`, and the internal commands of the bus. */
export function busCommands(event: Command, begin: Begin): void {
  statusCommand(event, begin);
  stopCommand(event, begin);
  event
    .command('doctor')
    .description('find problems that prevent consumers from receiving events, with fixes')
    .option(...KEYS_OPTION)
    .action(async ({ keys }: { readonly keys?: string }, self: Command) => {
      const invocation = begin(self);
      const { checkEvents } = await import('../event/check-events.js');
      const checks = await checkEvents(invocation, keys);
      const failure = checksFailed(checks);
      invocation.output.result({ ok: failure === undefined, checks }, checksText(checks));
      if (failure !== undefined) throw failure;
    });
  event.command('_bus', { hidden: true }).action(async (_options: unknown, self: Command) => {
    const { runBusProcess } = await import('../event/run-bus.js');
    await runBusProcess(begin(self));
  });
  event.command('_cleanup', { hidden: true }).action(async (_options: unknown, self: Command) => {
    const { runCleanup } = await import('../event/cleanup.js');
    await runCleanup(begin(self));
  });
}

function statusCommand(event: Command, begin: Begin): void {
  event
    .command('status')
    .description('the buses of this machine: their sources and consumers')
    .addHelpText(
      'after',
      `
A bus is the process that all consumers of a project share. The first of them starts it; it ends 30 s after the last.
Exit code 1 where a bus lives and does not answer.

Examples:
  $ weir event status
  $ weir event status --json | jq '.buses[].consumers[]'`,
    )
    .action(async (_options: unknown, self: Command) => {
      const invocation = begin(self);
      const { knownBuses, STOP_HINT } = await import('../event/bus-control.js');
      const { busDocument, busText } = await import('../event/bus-text.js');
      const buses = (await knownBuses(invocation)).filter(({ state }) => state !== 'stopped');
      const text = buses.length === 0 ? 'no bus runs' : buses.map(busText).join('\n\n');
      invocation.output.result({ buses: buses.map(busDocument) }, text);
      if (buses.every(({ state }) => state === 'running')) return;
      throw new CliError('failed', 'bus_orphaned', 'a bus runs but does not answer', {
        hint: STOP_HINT,
      });
    });
}

interface StopFlags {
  readonly all?: boolean;
  readonly force?: boolean;
}

function stopCommand(event: Command, begin: Begin): void {
  event
    .command('stop')
    .description('stop the bus of the project, and the bus of local sources')
    .option('--all', 'stop every bus of this user')
    .option('--force', 'even if the bus has consumers or does not answer')
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir event stop\n  $ weir event stop --all --force\n\nExit code 1 if a bus does not stop.',
    )
    .action(async ({ all = false, force = false }: StopFlags, self: Command) => {
      const invocation = begin(self);
      const { chosenBuses, stopBus } = await import('../event/bus-control.js');
      const buses = await chosenBuses(invocation, all);
      const stopped: string[] = [];
      const failures: CliError[] = [];
      for (const bus of buses) {
        const { path } = bus.found.directory;
        await stopBus(bus, force).then(
          () => stopped.push(path),
          (error: unknown) => failures.push(CliError.from(error)),
        );
      }
      const text =
        stopped.length === 0 ? 'no bus was stopped' : stopped.map((path) => `stopped ${path}`).join('\n');
      invocation.output.result({ stopped }, text);
      const [first] = failures;
      if (first !== undefined) throw first;
    });
}

import type { Command } from 'commander';
import { checkMachine } from '../doctor/machine.js';
import { checkServer } from '../doctor/server.js';
import type { Invocation } from '../invocation.js';
import type { Begin } from '../program.js';
import { checksFailed, checksText } from './checks.js';

/** `weir doctor`: finds problems and suggests fixes. */
export function doctorCommand(program: Command, begin: Begin): void {
  program
    .command('doctor')
    .description('check this machine, the server, its stores and the credentials')
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir doctor\n  $ weir doctor --server https://weir.example --json',
    )
    .action(async (_options: unknown, self: Command) => await doctor(begin(self)));
}

async function doctor(invocation: Invocation): Promise<void> {
  const { output } = invocation;
  const connection = await invocation.connection();
  const checks = [
    ...(await checkMachine(invocation.context, connection.server)),
    ...(await checkServer(connection)),
  ];
  const failure = checksFailed(checks);
  output.result({ ok: failure === undefined, server: connection.server, checks }, checksText(checks));
  if (failure !== undefined) throw failure;
}

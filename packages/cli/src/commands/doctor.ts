import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { Check } from '../doctor/check.js';
import { checkMachine } from '../doctor/machine.js';
import { checkServer } from '../doctor/server.js';
import type { Invocation } from '../invocation.js';
import { sanitize } from '../output/sanitize.js';
import type { Begin } from '../program.js';

/** `weir doctor`: what is wrong, and what to do about it. */
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
  const checks = [...(await checkMachine(invocation.context)), ...(await checkServer(connection))];
  const failed = checks.filter(({ status }) => status === 'fail').length;
  output.result({ ok: failed === 0, server: connection.server, checks }, checks.map(lineOf).join('\n'));
  if (failed > 0) {
    throw new CliError('failed', 'checks_failed', `${failed} of ${checks.length} checks failed`, {
      hint: 'Do what the lines above say',
    });
  }
}

function lineOf({ name, status, message, hint }: Check): string {
  const line = `${status.padEnd(4)}  ${name.padEnd(12)}  ${sanitize(message)}`;
  return hint === null ? line : `${line}. ${hint}`;
}

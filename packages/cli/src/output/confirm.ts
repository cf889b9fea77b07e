import { createInterface } from 'node:readline/promises';
import { CliError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';

/**
 * Asks for confirmation of an irreversible action, only on a terminal; a script confirms by its options.
 * @throws CliError `cancelled` for any answer but yes
 */
export async function confirm(question: string, { stdin, stderr }: CliContext): Promise<void> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return;
  const lines = createInterface({ input: stdin, output: stderr });
  const answer = await lines.question(`${question} [y/N] `).finally(() => lines.close());
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new CliError('failed', 'cancelled', 'cancelled, nothing was changed', {
      hint: 'Answer y, or pass --yes',
    });
  }
}

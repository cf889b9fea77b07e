import { createInterface } from 'node:readline/promises';
import { CliError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';

/**
 * Asks before something that cannot be undone. Only a terminal is asked: a script has said what it wants.
 * @throws CliError `cancelled` for any answer but yes
 */
export async function confirm(question: string, { stdin, stderr }: CliContext): Promise<void> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return;
  const lines = createInterface({ input: stdin, output: stderr });
  const answer = await lines.question(`${question} [y/N] `).finally(() => lines.close());
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new CliError('failed', 'cancelled', 'nothing was done', { hint: 'Answer y, or pass --yes' });
  }
}

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { findProgram } from '@weir/base/testing';
import { environmentOf, type Place, SCRIPT } from './weir-process.js';

/** Runs a command on a pseudo-terminal with `input`; returns everything that the terminal received. */
export async function onTerminal(args: readonly string[], place: Place, input = ''): Promise<string> {
  const script = await findProgram({ name: 'script', debianPackage: 'bsdutils' });
  const command = [process.execPath, SCRIPT, ...args]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ');
  const child = spawn(script, ['--quiet', '--echo', 'never', '--return', '--command', command, '/dev/null'], {
    cwd: place.cwd,
    env: environmentOf(place),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  child.stdin.write(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), 50_000);
  const shown = await text(child.stdout).finally(() => clearTimeout(timer));
  // The terminal driver converts a line feed into two characters.
  return shown.replaceAll('\r\n', '\n');
}

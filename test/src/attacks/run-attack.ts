import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Outcome, Target } from './attacks.js';

const ATTACKER = fileURLToPath(new URL('../../dist/attacks/attacker.js', import.meta.url));

/** Runs an attack in a process of its own. @returns what its client has seen */
export async function runAttack(name: string, target: Target): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [ATTACKER, name, JSON.stringify(target)], {
    timeout: 90_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Outcome;
}

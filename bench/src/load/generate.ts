import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LoadPlan, LoadResult } from './generator.js';

/** Runs a load in a process of its own. */
export async function generate(plan: LoadPlan): Promise<LoadResult> {
  const generator = fileURLToPath(new URL('./generator.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [generator, JSON.stringify(plan)], {
    timeout: (plan.seconds + 60) * 1000,
  });
  return JSON.parse(stdout) as LoadResult;
}

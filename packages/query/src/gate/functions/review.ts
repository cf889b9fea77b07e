import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectClickHouse, startEngine } from '@weir/clickhouse';
import { allowedSource } from './allowed-source.js';
import { engineFunctions, reviewFunctions } from './engine-functions.js';

/**
 * For upgrades of the engine: `npm run functions -w @weir/query -- [name …]`. Rewrites allowed.ts for the engine of
 * this checkout, allowing the given names, and lists names without a review. Names to refuse are added to refused.ts by
 * hand, with the reason.
 */
const allow = new Set(process.argv.slice(2));
const dataDir = await mkdtemp(join(tmpdir(), 'weir-functions-'));
const engine = await startEngine({ dataDir });
const clickhouse = connectClickHouse(engine.target);
try {
  const functions = await engineFunctions(clickhouse);
  const source = fileURLToPath(new URL('../../../src/gate/functions/allowed.ts', import.meta.url));
  await writeFile(source, allowedSource(functions, allow));
  const { unreviewed, gone } = reviewFunctions(functions);
  const open = unreviewed.filter((f) => !allow.has(f.name));
  for (const { name, description } of open) {
    process.stdout.write(`unreviewed ${name}: ${description.split('\n')[0] ?? ''}\n`);
  }
  for (const name of gone) process.stdout.write(`gone ${name}\n`);
  process.exitCode = open.length > 0 ? 1 : 0;
} finally {
  await clickhouse.close();
  await engine.close();
  await rm(dataDir, { recursive: true, force: true });
}

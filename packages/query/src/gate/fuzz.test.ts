import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClickHouseError } from '@weir/clickhouse';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QueryError } from '../query-error.js';
import { Gate } from './gate.js';
import { almostLegalSql } from './grammar.js';
import { type GateEngine, startGateEngine, textOf } from './testing/gate-engine.js';

/**
 * Tests the gate alone, with every other wall removed: texts that it accepts run as the administrator, who may read
 * everything, and must never return a word that requires forbidden access.
 */

const SOAK = process.env.WEIR_SOAK === '1';
const RUNS = SOAK ? 20_000 : 400;

let engine: GateEngine;
let gate: Gate;

beforeAll(async () => {
  engine = await startGateEngine();
  gate = new Gate(engine.parser, { maxBytes: 262_144 });
  const { admin, dataDir } = engine;
  for (const table of ['weir_base.vault', 'weir.vault', 'default.vault']) {
    await admin.command(
      `CREATE TABLE ${table} (project_id UUID, secret String, event String) ENGINE = MergeTree ORDER BY secret COMMENT 'CANARY_COMMENT'`,
    );
    await admin.command(`INSERT INTO ${table} SELECT generateUUIDv4(), 'CANARY_ROW', 'CANARY_ROW'`);
  }
  await writeFile(join(dataDir, 'clickhouse', 'canary.txt'), 'CANARY_FILE\n');
});

afterAll(() => engine?.close());

/** Everything that is returned, answer and error. */
async function runAsAdmin(sql: string): Promise<string> {
  try {
    const answer = await engine.admin.stream(sql, {
      params: { p: 'x' },
      tag: 'CANARY_TAG',
      timeoutMs: 10_000,
      settings: {
        max_execution_time: 2,
        max_result_rows: 1_000,
        result_overflow_mode: 'break',
        max_memory_usage: 500_000_000,
      },
    });
    return await textOf(answer);
  } catch (error) {
    if (error instanceof ClickHouseError) return error.detail ?? error.message;
    throw error;
  }
}

it.each([
  'SELECT * FROM weir_base.vault',
  "SELECT * FROM merge('weir_base', 'vault')",
  'SELECT comment FROM system.tables',
  "SELECT file('canary.txt')",
  "SELECT arrayMap(file, ['canary.txt'])",
  "SELECT * FROM file('canary.txt', 'LineAsString')",
  "SELECT getSetting('log_comment')",
])('finds the canary of %s when there is no gate', async (sql) => {
  expect(await runAsAdmin(sql)).toContain('CANARY_');
});

it(`accepts no forbidden text (${RUNS} texts)`, { timeout: SOAK ? 3_600_000 : 120_000 }, async () => {
  let passed = 0;
  let refused = 0;
  const property = fc.asyncProperty(almostLegalSql(), async (sql) => {
    const outcome = await gate.check(sql, { p: 'x' }).catch((error: unknown) => error);
    if (outcome instanceof QueryError) {
      refused += 1;
      return;
    }
    if (outcome instanceof Error) throw outcome;
    passed += 1;
    const { sql: canonical } = await gate.check(sql, { p: 'x' });
    const answer = await runAsAdmin(canonical);
    expect(answer.includes('CANARY_'), `${canonical}\n${answer}`).toBe(false);
  });
  await fc.assert(property, { numRuns: RUNS });
  // A gate that rejects everything, or a grammar that is never valid, would prove nothing.
  expect(passed).toBeGreaterThan(RUNS / 20);
  expect(refused).toBeGreaterThan(RUNS / 4);
});

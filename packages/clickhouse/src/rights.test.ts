import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, connectClickHouse, type Engine, rightsStatements, startEngine } from './index.js';

let dataDir: string;
let engine: Engine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-rights-'));
  engine = await startEngine({ dataDir });
  clickhouse = connectClickHouse(engine.target);
});

afterAll(async () => {
  await clickhouse?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** The embedded engine keeps its users in a file and cannot run these statements; it can check their syntax. */
describe('the rights on a server', () => {
  const reader = { username: 'weir_reader', password: "p'a\\ss", scopeKey: 'ab'.repeat(32) };
  const statements = rightsStatements(reader);

  it('are statements ClickHouse can parse, without the password in them', async () => {
    for (const sql of statements) {
      const [row] = await clickhouse.query<{ f: string }>('SELECT formatQuerySingleLine({sql:String}) AS f', {
        params: { sql },
      });
      expect(row?.f.slice(0, 10)).toBe(sql.slice(0, 10));
      expect(sql).not.toContain(reader.password);
    }
  });

  it('give the reader the public views, and bind the definer to the project of the query', () => {
    expect(statements.filter((sql) => sql.startsWith('GRANT'))).toEqual([
      'GRANT SELECT ON weir_base.* TO weir_definer WITH REPLACE OPTION',
      expect.stringMatching(
        /^GRANT (SELECT ON weir(_keyed|_plain|_plain_keyed)?\.(events|persons|sessions)(, )?){8} TO weir_reader WITH REPLACE OPTION$/,
      ),
    ]);
    expect(statements.find((sql) => sql.includes('weir_scope'))).toContain(
      'project_id = toUUIDOrZero(substring(',
    );
  });

  it('reject a name that is not a plain identifier', () => {
    expect(() => rightsStatements({ ...reader, username: 'a; DROP USER b' })).toThrow(/letters/);
  });
});

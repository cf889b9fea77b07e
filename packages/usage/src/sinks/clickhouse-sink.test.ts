import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClickHouse,
  clickhouseTemplate,
  connectClickHouse,
  connectReader,
  type Engine,
  migrateClickHouse,
  rightsStatements,
  startEngine,
  USAGE_TABLE,
} from '@weir/clickhouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeSink } from '../conformance/index.js';
import { give, record } from '../conformance/records.js';
import { ClickHouseSink } from './clickhouse-sink.js';
import { EngineByTcp } from './testing/engine-by-tcp.js';

let dataDir: string;
let engine: Engine;
let admin: ClickHouse;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-usage-clickhouse-'));
  engine = await startEngine({ dataDir, template: clickhouseTemplate() });
  admin = connectClickHouse(engine.target);
  await migrateClickHouse(admin, { exclusive: true });
});
afterAll(async () => {
  await admin?.close();
  await engine?.close();
  await rm(dataDir, { recursive: true, force: true });
});

describeSink('clickhouse', async () => {
  await admin.command(`TRUNCATE TABLE ${USAGE_TABLE}`);
  const network = new EngineByTcp(engine.target.socketPath);
  await network.open();
  const clickhouse = connectClickHouse({ url: network.url, ...engine.target.admin });
  return {
    name: 'clickhouse',
    exact: true,
    ordered: false,
    open: async () => new ClickHouseSink(clickhouse, { delayMs: 50 }),
    read: async () => {
      const rows = await admin.query<{ id: string }>(`SELECT id FROM ${USAGE_TABLE} FINAL`);
      return rows.map(({ id }) => id);
    },
    fail: () => network.cut(),
    recover: () => network.open(),
    destroy: async () => {
      await clickhouse.close();
      await network.cut();
    },
  };
});

describe('the clickhouse sink', () => {
  it('stores every field, and absent ones as empty', async () => {
    await admin.command(`TRUNCATE TABLE ${USAGE_TABLE}`);
    const sink = new ClickHouseSink(admin);
    const full = {
      ...record(7 * 12 + 4),
      parent: '0192f0c1-0000-7000-8000-00000000ffff',
      admissionDenied: true,
      admissionReason: 'suspended' as const,
      memBytes: 2 ** 40,
      fuel: 11,
      durationMs: 1.5,
      httpStatus: 402,
      principal: 'key',
      billable: true,
    };
    const { principal, httpStatus, parent, admissionReason, ...bare } = full;
    const events = [full, { ...bare, id: record(1).id, memBytes: 0, fuel: 0, admissionDenied: false }];
    const given = give(sink, events);
    await sink.close(AbortSignal.timeout(20_000));
    await given;
    const rows = await admin.query(`SELECT * FROM ${USAGE_TABLE} FINAL ORDER BY fuel DESC`, {
      settings: { output_format_json_quote_64bit_integers: 0 },
    });
    const row = {
      ...{
        id: full.id,
        log_id: 'conformance',
        seq: full.seq,
        node_id: full.nodeId,
        epoch: full.epoch,
        version: 1,
      },
      ...{
        time: full.time.replace('T', ' ').replace('Z', ''),
        rid: full.rid,
        tenant: full.tenant,
        principal: 'key',
      },
      ...{ src: full.src, parent: full.parent, stack: full.stack, duration_ms: 1.5, status: full.status },
      ...{ http_status: 402, bytes_in: full.bytesIn, bytes_out: full.bytesOut, mem_bytes: 2 ** 40, fuel: 11 },
      ...{ admission_denied: true, admission_reason: 'suspended', billable: true },
    };
    const nothing = { principal: '', parent: null, http_status: null, mem_bytes: 0, fuel: 0 };
    expect(rows).toEqual([
      row,
      { ...row, ...nothing, id: record(1).id, admission_denied: false, admission_reason: '' },
    ]);
  });

  it('stores them where no tenant can read them', async () => {
    const reader = connectReader(engine.target);
    const read = async (sql: string): Promise<string> => {
      let text = '';
      for await (const part of await reader.query(record(1).id, sql)) text += Buffer.from(part).toString();
      return text;
    };
    expect(await read('SELECT count() AS n FROM events FORMAT TSV')).toBe('0\n');
    for (const sql of [
      `SELECT * FROM ${USAGE_TABLE}`,
      `SELECT count() FROM ${USAGE_TABLE} FINAL`,
      `SELECT * FROM merge('${USAGE_TABLE.split('.')[0]}', '.*')`,
      `SELECT id FROM ${USAGE_TABLE} LIMIT 0`,
    ]) {
      await expect(read(sql), sql).rejects.toMatchObject({
        // merge() only reports that it finds no table.
        codeName: sql.includes('merge') ? 'CANNOT_EXTRACT_TABLE_STRUCTURE' : 'ACCESS_DENIED',
      });
    }
    await reader.close();
    // On a server, rights are granted by database.
    const rights = rightsStatements({ username: 'weir_reader', password: 'p', scopeKey: 'ab'.repeat(32) });
    expect(rights.filter((sql) => sql.includes('usage'))).toEqual([]);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClickHouse,
  clickhouseTemplate,
  connectClickHouse,
  connectParser,
  connectReader,
  migrateClickHouse,
  type Parser,
  type Reader,
  type ResultBytes,
  startEngine,
} from '@weir/clickhouse';

/** An engine for one test, with all clients of it. */
export interface GateEngine {
  readonly dataDir: string;
  readonly admin: ClickHouse;
  readonly parser: Parser;
  readonly reader: Reader;
  close(): Promise<void>;
}

/** Starts an engine with the schema in place. */
export async function startGateEngine(): Promise<GateEngine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'weir-gate-'));
  const engine = await startEngine({ dataDir, template: clickhouseTemplate() });
  const admin = connectClickHouse(engine.target);
  const parser = connectParser(engine.target);
  const reader = connectReader(engine.target);
  await migrateClickHouse(admin);
  return {
    dataDir,
    admin,
    parser,
    reader,
    async close() {
      await Promise.all([reader.close(), parser.close(), admin.close()]);
      await engine.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The whole answer as text. */
export async function textOf(answer: ResultBytes): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of answer) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

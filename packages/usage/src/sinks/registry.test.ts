import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectClickHouse } from '@weir/clickhouse';
import { openPostgres } from '@weir/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogSink } from './log-sink.js';
import { SinkRegistry } from './registry.js';
import { shippedSinks } from './shipped-sinks.js';
import { quietLogger } from './testing/quiet-logger.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'weir-registry-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));
const config = () => ({ epoch: 'e', nodeId: 'n', dataDir, logger: quietLogger });
const log = () => new LogSink(quietLogger);

describe('the registry', () => {
  it('opens a registered sink, and names the known ones when an unknown one is requested', async () => {
    const registry = new SinkRegistry().register('log', log).register('billing', () => ({
      name: 'billing',
      writeEvent: () => undefined,
      close: () => undefined,
    }));
    expect(registry.names).toEqual(['log', 'billing']);
    expect((await registry.open('billing', config())).name).toBe('billing');
    await expect(registry.open('bling', config())).rejects.toThrow(
      'no usage sink "bling": WEIR_USAGE_SINKS may name log, billing',
    );
  });

  it('rejects a duplicate name, and an invalid one', () => {
    const registry = new SinkRegistry().register('log', log);
    expect(() => registry.register('log', log)).toThrow('"log" is already registered');
    for (const name of ['', 'Log', '1a', 'a b', 'a'.repeat(33), 'a\n']) {
      expect(() => registry.register(name, log)).toThrow('cannot name a usage sink');
    }
  });

  it('reports which sink failed to open, and why', async () => {
    const cause = new Error('no key');
    const registry = new SinkRegistry()
      .register('throws', () => {
        throw cause;
      })
      .register('other', log)
      // The cast imitates a wrapper written in JavaScript.
      .register('nothing', (() => ({ name: 'nothing' })) as never);
    await expect(registry.open('throws', config())).rejects.toMatchObject({
      message: 'the usage sink "throws" cannot be opened: no key',
      cause,
    });
    await expect(registry.open('nothing', config())).rejects.toThrow('is no sink');
    await expect(registry.open('other', config())).rejects.toThrow('has the name "log"');
  });

  it('has the shipped sinks, none of which waits for its backend', async () => {
    const postgres = openPostgres({ url: 'postgres://nobody@127.0.0.1:1/none', dataDir });
    const clickhouse = connectClickHouse({ url: 'http://127.0.0.1:1' });
    const http = { url: 'http://127.0.0.1:1/' };
    const registry = new SinkRegistry().include(shippedSinks({ postgres, clickhouse, file: {}, http }));
    for (const name of registry.names) {
      const sink = await registry.open(name, config());
      expect(sink.name).toBe(name);
      await sink.close(AbortSignal.timeout(5_000));
    }
    const taken = new SinkRegistry().register('http', log);
    expect(() => registry.include(taken)).toThrow('"http" is already registered');
    const unset = shippedSinks({ postgres, clickhouse, file: {}, http: {} });
    await expect(unset.open('http', config())).rejects.toThrow(/"http" .*WEIR_USAGE_HTTP_URL is missing/);
    await clickhouse.close();
    await postgres.close();
  });
});

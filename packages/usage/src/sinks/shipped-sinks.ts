import { join } from 'node:path';
import type { ClickHouse } from '@weir/clickhouse';
import type { Postgres } from '@weir/postgres';
import { ClickHouseSink } from './clickhouse-sink.js';
import { FileSink, type FileSinkOptions } from './file-sink.js';
import type { HttpSinkOptions } from './http-settings.js';
import { HttpSink } from './http-sink.js';
import { LogSink } from './log-sink.js';
import { SinkRegistry } from './registry.js';
import { RollupSink } from './rollup-sink.js';

/** What the shipped sinks work with. */
export interface ShippedSinksOptions {
  readonly postgres: Postgres;
  readonly clickhouse: ClickHouse;
  /** Default path: `usage/usage.ndjson` in the data directory. */
  readonly file: Partial<Pick<FileSinkOptions, 'path' | 'maxBytes' | 'keep'>>;
  /** Without a URL the sink cannot be opened. */
  readonly http: Omit<HttpSinkOptions, 'url'> & { readonly url?: string | undefined };
}

/** The sinks that come with Weir: `log`, `file`, `rollup`, `clickhouse` and `http`. None is made before it is opened. */
export function shippedSinks({ postgres, clickhouse, file, http }: ShippedSinksOptions): SinkRegistry {
  return new SinkRegistry()
    .register('log', ({ logger }) => new LogSink(logger))
    .register('rollup', () => new RollupSink(postgres))
    .register('file', async ({ dataDir, logger }) => {
      const path = file.path ?? join(dataDir, 'usage', 'usage.ndjson');
      const sink = new FileSink({ ...file, path, makeDirectory: file.path === undefined, logger });
      await sink.open();
      return sink;
    })
    .register('clickhouse', () => new ClickHouseSink(clickhouse))
    .register('http', () => {
      const { url } = http;
      if (url === undefined) {
        throw new Error('WEIR_USAGE_HTTP_URL is missing: set it to the URL that takes CloudEvents');
      }
      return new HttpSink({ ...http, url });
    });
}

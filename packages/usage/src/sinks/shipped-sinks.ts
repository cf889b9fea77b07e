import { join } from 'node:path';
import type { ClickHouse } from '@weir/clickhouse';
import type { SinkConstructor } from '@weir/extension';
import type { Postgres } from '@weir/postgres';
import { ClickHouseSink } from './clickhouse-sink.js';
import { FileSink, type FileSinkOptions } from './file-sink.js';
import type { HttpSinkOptions } from './http-settings.js';
import { HttpSink } from './http-sink.js';
import { LogSink } from './log-sink.js';
import { SinkRegistry } from './registry.js';
import { RollupSink } from './rollup-sink.js';

/** Names of the sinks that come with Weir. */
export const SHIPPED_SINKS = ['log', 'rollup', 'file', 'clickhouse', 'http'] as const;

/** Dependencies of the shipped sinks. */
export interface ShippedSinksOptions {
  readonly postgres: Postgres;
  readonly clickhouse: ClickHouse;
  /** Default path: `usage/usage.ndjson` in the data directory. */
  readonly file: Partial<Pick<FileSinkOptions, 'path' | 'maxBytes' | 'keep'>>;
  /** Without a URL the sink cannot be opened. */
  readonly http: Omit<HttpSinkOptions, 'url'> & { readonly url?: string | undefined };
}

/** Registers {@link SHIPPED_SINKS}; each is created when it is opened. */
export function shippedSinks({ postgres, clickhouse, file, http }: ShippedSinksOptions): SinkRegistry {
  const makers: Readonly<Record<(typeof SHIPPED_SINKS)[number], SinkConstructor>> = {
    log: ({ logger }) => new LogSink(logger),
    rollup: () => new RollupSink(postgres),
    file: async ({ dataDir, logger }) => {
      const path = file.path ?? join(dataDir, 'usage', 'usage.ndjson');
      const sink = new FileSink({ ...file, path, makeDirectory: file.path === undefined, logger });
      await sink.open();
      return sink;
    },
    clickhouse: () => new ClickHouseSink(clickhouse),
    http: () => {
      const { url } = http;
      if (url === undefined) {
        throw new Error('WEIR_USAGE_HTTP_URL is missing: set it to the URL of the receiver of CloudEvents');
      }
      return new HttpSink({ ...http, url });
    },
  };
  const registry = new SinkRegistry();
  for (const name of SHIPPED_SINKS) registry.register(name, makers[name]);
  return registry;
}

/** Opens the stores of a server in a fixed order, and closes them in reverse. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { defined, type Logger, pause } from '@weir/base';
import {
  assertRights,
  type ClickHouse,
  ClickHouseError,
  type ClickHouseTarget,
  clickhouseTemplate,
  connectClickHouse,
  connectParser,
  connectReader,
  DEFINER,
  type Engine,
  type MigrationResult,
  migrateClickHouse,
  type Parser,
  type Reader,
  startEngine,
  type Wall,
} from '@weir/clickhouse';
import { type DirectoryLock, type Log, type LogOptions, lockDirectory, openLog } from '@weir/log';
import { openPostgres, type Postgres, postgresTemplate } from '@weir/postgres';
import type { Config } from './config/schema.js';

const MIGRATION_RETRY_MS = 500;

/** The connections for queries of projects. */
interface QueryStores {
  readonly reader: Reader;
  readonly parser: Parser;
  /** Stops queries; on separate connections, because each stop may take long. */
  readonly stopper: ClickHouse;
}

/** The opened stores. */
export interface Stores {
  readonly log: Log;
  /** The separate log of the feed: its retained items take no room from events to be accepted. */
  readonly feedLog: Log;
  /** The log of channels and streams. */
  readonly channelLog: Log;
  readonly clickhouse: ClickHouse;
  /** Runs queries of projects; null if a server target names no reader. */
  readonly queries: QueryStores | null;
  /** The embedded engine, if it is used. */
  readonly engine: Engine | null;
  readonly postgres: Postgres;
  /** Whether ClickHouse has the tables of this version. */
  isMigrated(): boolean;
  /** Resolves with an error that the server cannot recover from: data newer than this code. */
  readonly failure: Promise<Error>;
  close(): Promise<void>;
}

/**
 * Opens the log and the stores. An unavailable ClickHouse or PostgreSQL server does not prevent the start of a node:
 * its migrations wait for it in the background.
 * @param withoutWalls for tests that prove one wall at a time
 * @throws LogError `locked` if another process uses the data directory
 */
export async function openStores(
  config: Config,
  logger: Logger,
  withoutWalls: readonly Wall[] = [],
): Promise<Stores> {
  const dataDir = config.WEIR_DATA_DIR;
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      await closer().catch((error: unknown) => logger.error({ err: error }, 'a store did not close cleanly'));
    }
  };
  try {
    const lock: DirectoryLock = await lockDirectory(dataDir);
    closers.push(() => lock.release());
    const postgres = openPostgres({
      dataDir,
      template: postgresTemplate(),
      logger,
      ...defined({ url: config.WEIR_POSTGRES_URL }),
    });
    closers.push(() => postgres.close());
    const {
      WEIR_LOG_MAX_BYTES: maxBytes,
      WEIR_FEED_MAX_BYTES: maxFeedBytes,
      WEIR_CHANNEL_MAX_BYTES: maxChannelBytes,
      WEIR_CLICKHOUSE_URL: url,
    } = config;
    const feedLog = await openLog(logOptions(config, 'feed', maxFeedBytes));
    closers.push(() => feedLog.close());
    const channelLog = await openLog(logOptions(config, 'channels', maxChannelBytes));
    closers.push(() => channelLog.close());
    const [log, engine] = await settleAll(
      [
        openLog(logOptions(config, 'log', maxBytes)),
        url === undefined
          ? startEngine({ dataDir, template: clickhouseTemplate(), logger, without: withoutWalls })
          : Promise.resolve(null),
      ],
      closers,
    );
    const target = engine === null ? serverTarget(url ?? '', config) : engine.target;
    const clickhouse = connectClickHouse(target);
    closers.push(() => clickhouse.close());
    const queries = target.reader === undefined ? null : openQueries(target, closers);

    const stopping = new AbortController();
    let migrated = false;
    const migration = migrateWhenUp(clickhouse, target, stopping.signal, logger).then(() => {
      migrated = true;
    });
    closers.push(async () => {
      stopping.abort();
      await migration.catch(() => {});
    });
    const failure = Promise.race([firstFailure(migration), firstFailure(postgres.ready)]);
    return {
      log,
      feedLog,
      channelLog,
      clickhouse,
      queries,
      engine,
      postgres,
      isMigrated: () => migrated,
      failure,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Maximum size of a feed in memory: it serves live followers, not reads of a day back. */
const MAX_MEMORY_FEED = 256 * 2 ** 20;

function logOptions(config: Config, name: 'log' | 'feed' | 'channels', maxBytes: number): LogOptions {
  return config.WEIR_LOG_ENGINE === 'memory'
    ? { engine: 'memory', maxBytes: name === 'feed' ? Math.min(maxBytes, MAX_MEMORY_FEED) : maxBytes }
    : { engine: 'lmdb', path: join(config.WEIR_DATA_DIR, name), maxBytes };
}

function openQueries(target: ClickHouseTarget, closers: (() => Promise<void>)[]): QueryStores {
  const reader = connectReader(target);
  closers.push(() => reader.close());
  const parser = connectParser(target);
  closers.push(() => parser.close());
  const stopper = connectClickHouse(target);
  closers.push(() => stopper.close());
  return { reader, parser, stopper };
}

/** Waits for both, so that the failure of one does not leave the other open. */
async function settleAll(
  opening: readonly [Promise<Log>, Promise<Engine | null>],
  closers: (() => Promise<void>)[],
): Promise<[Log, Engine | null]> {
  const [log, engine] = await Promise.allSettled(opening);
  if (log.status === 'fulfilled') closers.push(() => log.value.close());
  if (engine.status === 'fulfilled') closers.push(async () => await engine.value?.close());
  if (log.status === 'rejected') throw log.reason;
  if (engine.status === 'rejected') throw engine.reason;
  return [log.value, engine.value];
}

/** Creates tables and views; on a server with a reader, also the rights that isolate projects. */
async function migrate(
  clickhouse: ClickHouse,
  target: ClickHouseTarget,
  signal: AbortSignal,
): Promise<MigrationResult> {
  if ('socketPath' in target) return migrateClickHouse(clickhouse, { exclusive: true, signal });
  if (target.reader === undefined) return migrateClickHouse(clickhouse, { signal });
  await assertRights(clickhouse, target.reader);
  return migrateClickHouse(clickhouse, { definer: DEFINER, signal });
}

async function migrateWhenUp(
  clickhouse: ClickHouse,
  target: ClickHouseTarget,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      const { version, applied } = await migrate(clickhouse, target, signal);
      if (applied.length > 0) logger.info({ version, applied: applied.length }, 'ClickHouse migrated');
      return;
    } catch (error) {
      if (error instanceof ClickHouseError && error.code === 'query' && error.exceptionCode === undefined)
        throw error;
      if (isFirst && !signal.aborted)
        logger.warn({ err: error }, 'ClickHouse is not ready; events are retained in the log meanwhile');
      await pause(MIGRATION_RETRY_MS, signal);
    }
  }
}

/** Resolves with the error of a promise; never settles if the promise succeeds. */
function firstFailure(work: Promise<void>): Promise<Error> {
  return new Promise((resolve) => {
    work.catch((error: unknown) => {
      // A retryable error means that the store was closed before it was available; that is not a failure.
      if (error instanceof Error && !('retryable' in error && error.retryable === true)) resolve(error);
    });
  });
}

/** The ClickHouse user that may only read the public views. */
const READER = 'weir_reader';

/** The key of the row policies: derived from the password, because every node must compute the same key. */
function scopeKey(readerPassword: string): string {
  return createHash('sha256').update(`weir row scope\n${readerPassword}`).digest('hex');
}

/** Converts a ClickHouse URL with user and password to a target of the client. */
function serverTarget(text: string, config: Config): ClickHouseTarget {
  const url = new URL(text);
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  const readerPassword = config.WEIR_CLICKHOUSE_READER_PASSWORD;
  return {
    url: url.href,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(readerPassword === undefined
      ? {}
      : { reader: { username: READER, password: readerPassword, scopeKey: scopeKey(readerPassword) } }),
  };
}

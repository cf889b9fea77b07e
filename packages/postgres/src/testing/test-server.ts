/**
 * A new database on a real PostgreSQL server, for tests. The server is the first available of: the one in
 * WEIR_TEST_POSTGRES_URL; one on 127.0.0.1:5432 that trusts the user postgres; one that this process starts in a
 * temporary directory, with an installed `initdb` or one that it installs.
 */

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { defined } from '@weir/base';
import { findProgram, freePort } from '@weir/base/testing';
import pg from 'pg';

const run = promisify(execFile);

/** A database for one test. */
export interface TestDatabase {
  readonly url: string;
  /** Runs one statement directly, without the code under test. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Drops the database, and stops the server if the test started it. */
  close(): Promise<void>;
}

/** Creates an empty database. Fails with instructions if no server can be found or started. */
export async function testServer(): Promise<TestDatabase> {
  const server = await findServer();
  const name = `weir_test_${randomBytes(6).toString('hex')}`;
  await statement(server.url, `create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    query: (sql, values = []) => statement(url.href, sql, values),
    close: async () => {
      await statement(server.url, `drop database if exists ${name} with (force)`);
      await server.stop();
    },
  };
}

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

async function findServer(): Promise<Server> {
  const stop = () => Promise.resolve();
  const given = process.env.WEIR_TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') return { url: given, stop };
  const local = 'postgres://postgres@127.0.0.1:5432/postgres';
  if (await answers(local)) return { url: local, stop };
  return startServer();
}

async function startServer(): Promise<Server> {
  const bin = await findBinaries();
  const identity = await unprivileged();
  const directory = await mkdtemp(join(tmpdir(), 'weir-test-postgres-'));
  if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid ?? identity.uid);
  const data = join(directory, 'data');
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  await run(join(bin, 'initdb'), initdb, identity);

  const port = await freePort();
  const listen = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...listen, '-F'], {
    ...identity,
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  for (const deadline = Date.now() + 30_000; !(await answers(url)); await sleep(50)) {
    if (Date.now() > deadline || server.exitCode !== null)
      throw new Error(`PostgreSQL did not start from ${bin}`);
  }
  return {
    url,
    stop: async () => {
      server.kill('SIGQUIT');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function findBinaries(): Promise<string> {
  const directories = (): string[] => {
    const roots = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter((root) =>
      existsSync(root),
    );
    return roots.flatMap((root) => readdirSync(root).map((entry) => join(root, entry, 'bin'))).reverse();
  };
  // Follow links: the program finds its helpers in the directory of the real file.
  return dirname(
    realpathSync(await findProgram({ name: 'initdb', debianPackage: 'postgresql', directories })),
  );
}

/** PostgreSQL refuses to run as root; in that case use the user that its packages create. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  );
  return { ...defined({ uid, gid }) };
}

async function answers(url: string): Promise<boolean> {
  return statement(url, 'select 1').then(
    () => true,
    () => false,
  );
}

async function statement(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** Redis Streams and JetStream, each as a server of its own over a directory of its own, where they are installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { freePort } from '@weir/base/testing';
import { waitUntil } from '@weir/testing';
import { createClient } from 'redis';
import { type Appends, appendInWindow, type WindowOptions } from './window.js';

/** A log of another system. */
export interface OtherLog {
  readonly name: string;
  /** Appends the payload again and again; null where it is not installed. */
  append(payload: Buffer, how: WindowOptions): Promise<Appends | null>;
}

/** Redis with every write on disk before its answer. */
export const redisStreams: OtherLog = {
  name: 'Redis Streams, appendfsync always',
  append: (payload, how) =>
    beside(
      'redis-server',
      (port, directory) => [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--loglevel', 'warning'],
      ],
      async (port) => {
        const client = createClient({ url: `redis://127.0.0.1:${port}` });
        client.on('error', () => {});
        await waitUntil('Redis', async () => client.isReady || (await client.connect().then(() => true)));
        try {
          return await appendInWindow(() => client.xAdd('stream', '*', { p: payload }), how);
        } finally {
          client.destroy();
        }
      },
    ),
};

/** JetStream on files. It answers before they are on disk. */
export const jetStream: OtherLog = {
  name: 'NATS JetStream, files, no fsync',
  append: (payload, how) =>
    beside(
      'nats-server',
      (port, directory) => ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', directory],
      async (port) => {
        const nats = await waitUntil('NATS', () =>
          connect({ servers: `127.0.0.1:${port}`, timeout: 1_000, reconnect: false }).catch(() => null),
        );
        try {
          const stream = { name: 'bench', subjects: ['bench'], storage: 'file', num_replicas: 1 };
          await nats.request('$JS.API.STREAM.CREATE.bench', JSON.stringify(stream), { timeout: 5_000 });
          return await appendInWindow(() => nats.request('bench', payload, { timeout: 30_000 }), how);
        } finally {
          await nats.close();
        }
      },
    ),
};

/** Runs a server for as long as it is used. */
async function beside<T>(
  command: string,
  argsOf: (port: number, directory: string) => readonly string[],
  use: (port: number) => Promise<T>,
): Promise<T | null> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  const port = await freePort();
  const child = spawn(command, argsOf(port, directory), { stdio: 'ignore' });
  try {
    if (!(await isStarted(child))) return null;
    return await use(port);
  } finally {
    if (child.pid !== undefined && child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

function isStarted(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
}

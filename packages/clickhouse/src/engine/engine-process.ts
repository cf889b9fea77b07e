/**
 * The process of the embedded engine: chDB on one directory, behind ClickHouse's HTTP interface on a Unix socket.
 * EmbeddedEngine starts it with an IPC channel; it ends with that channel.
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { pause } from '@weir/base';
import type { Session } from 'chdb';
import { ScopeSigner } from '../scope.js';
import { writeConfiguration } from './configuration.js';
import { DATA_DIRECTORY, type FromEngine, type StartEngine, type ToEngine } from './control.js';
import { openBareSession, type SessionPlace } from './engine-sessions.js';
import { HttpFront } from './http-front.js';
import { InsertSpool } from './insert-spool.js';
import { RunningStatements } from './running-statements.js';
import { Statements } from './statements.js';
import { Users } from './users.js';

/** How long a new engine waits for a stopping one to release the directory. */
const DIRECTORY_WAIT_MS = 5_000;
/** How long statements may run on after a stop request. */
const STOP_WAIT_MS = 5_000;

interface OpenEngine {
  readonly server: Server;
  readonly running: RunningStatements;
  /** Kept open, because chDB closes the whole engine with its last session. */
  readonly keeper: Session;
}

// A terminal's Ctrl-C reaches the whole process group; only the server decides when the engine stops.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// The server has ended, perhaps by kill -9. All acknowledged data is on disk, so the engine can end at once.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

let open: OpenEngine | undefined;
process.on('message', (message: ToEngine) => {
  if (message.type === 'stop') void stop();
  else
    start(message).then(
      (engine) => {
        open = engine;
        send({ type: 'ready' });
      },
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        send({ type: 'failed', reason: text }, () => process.exit(1));
      },
    );
});

async function start(order: StartEngine): Promise<OpenEngine> {
  const scope = new ScopeSigner(randomBytes(32).toString('hex'));
  const files = writeConfiguration(order.directory, order.limits, scope, order.without);
  try {
    const place: SessionPlace = {
      directory: `${order.directory}/${DATA_DIRECTORY}`,
      configurationArgument: files.argument,
    };
    mkdirSync(place.directory, { recursive: true, mode: 0o700 });
    const keeper = await openWhenFree(place, scope);
    const names = await keeper.queryAsync('SELECT name FROM system.settings', { format: 'TabSeparated' });
    const settings = new Set(names.text().split('\n'));
    const running = new RunningStatements();
    const spool = new InsertSpool('spool');
    const front = new HttpFront({
      users: new Users({
        admin: order.adminPassword,
        reader: order.readerPassword,
        parser: order.parserPassword,
      }),
      scope,
      statements: new Statements(place, scope, spool, order.limits.readers, onFatal),
      running,
      isAlive: async () => (await keeper.queryAsync('SELECT 1', { format: 'TSV' })).text() === '1\n',
      onFatal,
      readerRights: !order.without.includes('rights'),
      isSetting: (name) => settings.has(name),
    });
    const server = front.server();
    await listen(server, order.socketPath);
    return { server, running, keeper };
  } finally {
    files.remove();
  }
}

/**
 * Ends the process after a moment for the current answer. `process.exit` would wait for threads of the failed engine,
 * so that only the server's watchdog would end the process, 20 s later.
 */
function onFatal(reason: string): void {
  console.error(`ending: ${reason}`);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);
}

/** Opens the directory; retries while a killed engine still holds it. */
async function openWhenFree(place: SessionPlace, scope: ScopeSigner): Promise<Session> {
  const until = Date.now() + DIRECTORY_WAIT_MS;
  for (;;) {
    try {
      return openBareSession(place, [`--log_comment=${scope.everybody()}`]);
    } catch {
      if (Date.now() >= until) {
        throw new Error(
          'the engine cannot open its directory: another engine holds it, or its files are damaged',
        );
      }
      await pause(50);
    }
  }
}

async function listen(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
}

/** Stops in order: rejects new statements, stops or finishes running ones, and closes the engine's files. */
async function stop(): Promise<void> {
  if (open !== undefined) {
    const { server, running, keeper } = open;
    server.close();
    server.closeIdleConnections();
    await running.drain(STOP_WAIT_MS);
    server.closeAllConnections();
    keeper.close();
  }
  process.exit(0);
}

function send(message: FromEngine, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}

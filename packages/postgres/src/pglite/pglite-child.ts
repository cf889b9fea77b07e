/**
 * The child process with PGlite: PostgreSQL as WebAssembly, which blocks its thread, behind PostgreSQL's wire protocol
 * on a Unix socket. See child-protocol.ts for its start and end.
 */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { copyTemplate } from '@weir/base/node';
import type { ChildMessage } from './child-protocol.js';
import { lockDirectory } from './directory-lock.js';
import { DURABLE_START_PARAMS, DurableNodeFs, syncPath } from './durable-node-fs.js';
import { SocketPGlite } from './socket-pglite.js';

/** How long a new child waits for its predecessor to release the directory. */
const LOCK_WAIT_MS = 5_000;
/**
 * How much a function of PostgreSQL runs before V8 optimizes it. V8's default of 1,800,000 (Node 20) optimizes
 * functions that only the start uses: it costs 1.5 to 2 s of CPU at a start of the server, against 0.6 s with this
 * value. Long-used functions are still optimized. V8 ignores an unknown flag, so other versions of Node start as
 * before.
 */
const TIERING_BUDGET = 1_000_000_000;
/** Maximum time of an orderly shutdown before the process ends; the write-ahead log makes both safe. */
const END_MS = 4_000;

// V8 reads the budget when it compiles the module, which the first PGlite does.
setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);

const [mode, directory, socketPath, template] = process.argv.slice(2);
const parentGone = new Promise<void>((resolve) => process.once('disconnect', resolve));
// A Ctrl-C or a service manager's SIGTERM reaches the whole group; the parent decides the order of the shutdown.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

/** PGlite creates its files world-writable, so the directory restricts access to its owner. */
const OWNER_ONLY = 0o700;

if (directory === undefined)
  throw new Error('usage: pglite-child create|serve <data directory> [socket [template]]');
await lockDirectory(`${directory}.lock`, LOCK_WAIT_MS);
if (mode === 'create') await create(directory);
else if (mode === 'serve' && socketPath !== undefined) {
  if (template !== undefined && !existsSync(directory)) await copyTemplate(template, directory);
  await serve(directory, socketPath);
} else throw new Error(`unknown mode ${mode}`);
process.exit(0);

/** Creates the data directory under a temporary name and renames it, so that a partial one is never used. */
async function create(target: string): Promise<void> {
  void parentGone.then(() => process.exit(0));
  const draft = `${target}.new`;
  rmSync(draft, { recursive: true, force: true });
  const db = new SocketPGlite({ fs: new DurableNodeFs(draft), startParams: [...DURABLE_START_PARAMS] });
  await db.waitReady;
  await db.close();
  chmodSync(draft, OWNER_ONLY);
  syncTree(draft);
  renameSync(draft, target);
  syncPath(dirname(target));
}

async function serve(data: string, socket: string): Promise<void> {
  chmodSync(data, OWNER_ONLY);
  const db = new SocketPGlite({ fs: new DurableNodeFs(data), startParams: [...DURABLE_START_PARAMS] });
  await db.waitReady;
  // This process holds the lock, so an existing socket belongs to a process that has ended.
  rmSync(socket, { force: true });
  // One client works at a time (see PgliteEngine); the others are predecessors whose end is not yet noticed.
  const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 8 });
  const umask = process.umask(0o177);
  await server.start();
  process.umask(umask);
  process.send?.('listening' satisfies ChildMessage);

  await parentGone;
  setTimeout(() => process.exit(0), END_MS).unref();
  await server.stop();
  await db.close();
}

function syncTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) syncPath(path);
  }
  syncPath(directory);
}

/**
 * The child process that holds PGlite: PostgreSQL as WebAssembly, which blocks the thread it runs on, behind
 * PostgreSQL's wire protocol on a Unix socket. See child-protocol.ts for how it is started and ended.
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

/** How long a new child waits for its predecessor to let go of the directory. */
const LOCK_WAIT_MS = 5_000;
/**
 * How much a function of PostgreSQL runs before V8 optimizes it. V8's default of 1,800,000 (Node 20) optimizes functions that only the
 * start runs: a start of the server took 1.5 to 2 s of CPU here with it, and takes 0.6 s with this. Functions that are in use for long
 * are optimized all the same. V8 ignores a flag that it does not know, so a Node without it starts as before.
 */
const TIERING_BUDGET = 1_000_000_000;
/** How long an orderly end may take before it becomes a plain one; the write-ahead log makes both safe. */
const END_MS = 4_000;

// V8 reads the budget when it compiles the module, which the first PGlite does.
setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);

const [mode, directory, socketPath, template] = process.argv.slice(2);
const parentGone = new Promise<void>((resolve) => process.once('disconnect', resolve));
// A Ctrl-C or a service manager's SIGTERM reaches the whole group; in which order things end is the parent's call.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

/** PGlite makes its files for everybody to write: the directory keeps everybody out. */
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

/** Makes the data directory beside its place and moves it there whole: half of one is never taken for one. */
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
  // Ours by the lock: a socket that is here was left by a process that is gone.
  rmSync(socket, { force: true });
  // One client works at a time (see PgliteEngine); the others are its predecessors, about to be noticed as gone.
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

/**
 * Supervises the child process with PGlite: creates the data directory on first use (in a process that ends), keeps one
 * serving child running, restarts it with backoff when it dies, and stops it.
 *
 * It must be used through **one connection at a time**. PGlite is a single PostgreSQL backend, and its socket server
 * interleaves clients by protocol message, not by query: the Parse, Bind and Execute of two clients would overwrite
 * each other's unnamed statement. So the pool above has one client.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Backoff, type Logger, Wakeup } from '@weir/base';
import { type ChildMessage, type ChildMode, SOCKET_PORT } from './child-protocol.js';

/** A child that served this long was healthy, so its death resets the backoff. */
const HEALTHY_MS = 10_000;
const END_MS = 5_000;
const STDERR_TAIL = 2_000;
/** `sun_path` holds 104 bytes on macOS, 108 on Linux, including a zero byte. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Dependencies of a {@link PgliteEngine}. */
export interface PgliteEngineOptions {
  /** Weir's data directory; the engine uses `postgres` in it. */
  readonly dataDir: string;
  /** A prepared directory that the first start copies; undefined creates one instead. */
  readonly template: string | undefined;
  readonly logger: Logger;
  /** Called when the socket accepts connections. */
  readonly onUp: () => void;
  /** Called when the child has ended; connections fail until the next `onUp`. */
  readonly onDown: () => void;
}

/** The embedded relational store. */
export class PgliteEngine {
  /** The directory of the Unix socket, which the driver takes as the host. */
  readonly socketDirectory: string;
  readonly port = SOCKET_PORT;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #onUp: () => void;
  readonly #onDown: () => void;
  readonly #ownSocketDirectory: boolean;
  #template: string | undefined;
  #child: ChildProcess | null = null;
  #up = false;
  #stopped = false;
  readonly #wakeup = new Wakeup();
  #supervision: Promise<void> = Promise.resolve();

  constructor({ dataDir, template, logger, onUp, onDown }: PgliteEngineOptions) {
    const home = resolve(dataDir);
    this.#directory = join(home, 'postgres');
    this.#template = template;
    this.#logger = logger;
    this.#onUp = onUp;
    this.#onDown = onDown;
    this.#ownSocketDirectory = Buffer.byteLength(socketIn(home)) > MAX_SOCKET_PATH_BYTES;
    // mkdtemp: mode 0700 and an unguessable name, so that no other user can impersonate the store in a shared
    // directory.
    this.socketDirectory = this.#ownSocketDirectory ? mkdtempSync(join(tmpdir(), 'weir-')) : home;
  }

  /** Starts supervision; `onUp` reports when the store is reachable. */
  start(): void {
    this.#supervision = this.#supervise();
  }

  /** Kills the child, which cannot be interrupted otherwise; the supervision starts the next one. */
  restart(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Whether the child accepts connections. */
  get up(): boolean {
    return this.#up;
  }

  /** The process id of the serving child, if there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Stops the child, by force after 5 s. Idempotent. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#wakeup.call();
    const child = this.#child;
    if (child?.connected) child.disconnect();
    const force = setTimeout(() => child?.kill('SIGKILL'), END_MS);
    await this.#supervision;
    clearTimeout(force);
    if (this.#ownSocketDirectory) rmSync(this.socketDirectory, { recursive: true, force: true });
  }

  async #supervise(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#stopped) {
      const startedAt = performance.now();
      try {
        mkdirSync(dirname(this.#directory), { recursive: true, mode: 0o700 });
        if (!existsSync(this.#directory) && this.#template === undefined) await this.#run('create');
        if (!this.#stopped) await this.#run('serve');
      } catch (error) {
        // The template could not be copied, perhaps because a build has replaced it: create a directory instead.
        if (!existsSync(this.#directory)) this.#template = undefined;
        if (!this.#stopped) this.#logger.error({ err: error }, 'PGlite ended; restarting it');
      }
      if (performance.now() - startedAt > HEALTHY_MS) backoff.reset();
      await this.#wakeup.wait(backoff.next());
    }
  }

  /** Runs a child to its end; rejects unless it ended in order. */
  #run(mode: ChildMode): Promise<void> {
    return new Promise((ended, failed) => {
      const paths = [this.#directory, socketIn(this.socketDirectory)];
      if (this.#template !== undefined) paths.push(this.#template);
      const child = fork(childEntry(), [mode, ...paths], {
        // The child inherits neither the flags of this process nor the secrets in its environment.
        execArgv: [],
        env: {},
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      this.#child = child;
      let stderr = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-STDERR_TAIL);
      });
      child.on('message', (message: ChildMessage) => {
        if (message !== 'listening') return;
        this.#up = true;
        this.#onUp();
      });
      // A child that could not be started emits only 'error'. ('close' never follows once the channel is disconnected.)
      child.once('error', failed);
      child.once('exit', (code, signal) => {
        this.#child = null;
        this.#up = false;
        this.#onDown();
        const settle = () => {
          if (code === 0) ended();
          else
            failed(new Error(`PGlite's process (${mode}) ended with ${signal ?? `code ${code}`}: ${stderr}`));
        };
        // Its last output may not have been read yet.
        if (child.stderr === null || child.stderr.closed) settle();
        else child.stderr.once('close', settle);
      });
    });
  }
}

function socketIn(directory: string): string {
  return join(directory, `.s.PGSQL.${SOCKET_PORT}`);
}

/** The built entry, resolved by the package's own name so that code run from `src` starts it too. */
function childEntry(): string {
  const index = createRequire(import.meta.url).resolve('@weir/postgres');
  return join(dirname(index), 'pglite', 'pglite-child.js');
}

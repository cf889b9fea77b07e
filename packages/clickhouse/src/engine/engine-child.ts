import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ClickHouseError } from '../clickhouse-error.js';
import type { FromEngine, StartEngine, ToEngine } from './control.js';

/** Threads for the engine's calls: at libuv's 4, readers starve inserts (p99 5 s); at 24 it is 0.2 s. */
const THREADS = '24';
/** After that long an engine that was asked to end is killed. */
const STOP_LIMIT_MS = 10_000;
/** An engine that is not ready by then never will be; opening a large directory takes seconds. */
const START_LIMIT_MS = 120_000;

/** How an engine process ended. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the engine, from its start to its end. */
export class EngineChild {
  readonly #process: ChildProcess;
  /** Resolves when the process has ended, however. */
  readonly exited: Promise<EngineExit>;
  /** Resolves when it answers; rejects when it ends before. */
  readonly ready: Promise<void>;

  constructor(order: StartEngine) {
    const log = openLog(order.directory);
    this.#process = fork(entry(), [], {
      cwd: order.directory,
      // Nothing of the server's environment: SQL can read files, and /proc has the environment as one.
      env: { UV_THREADPOOL_SIZE: THREADS, TZ: 'UTC' },
      execArgv: ['--max-old-space-size=256'],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
      this.#process.once('error', () => resolve({ code: null, signal: null }));
    });
    this.ready = this.#untilReady();
    // Whoever only waits for the end must not be told of a rejection he does not handle.
    this.ready.catch(() => {});
    this.#tell(order);
  }

  /** The process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends it at once. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Ends it in order, by force if it does not. */
  async stop(): Promise<void> {
    this.#tell({ type: 'stop' });
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.exited;
    clearTimeout(limit);
  }

  async #untilReady(): Promise<void> {
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), START_LIMIT_MS);
    void this.exited.then(() => clearTimeout(limit));
    const ended = this.exited.then(({ code, signal }): never => {
      throw new ClickHouseError(
        'unavailable',
        `the embedded engine ended at its start (${signal ?? `exit code ${code}`}); see engine.log`,
      );
    });
    // Our own entry file sends nothing else.
    const [message] = await Promise.race([once(this.#process, 'message') as Promise<[FromEngine]>, ended]);
    clearTimeout(limit);
    if (message.type === 'failed')
      throw new ClickHouseError('unavailable', `the embedded engine did not start: ${message.reason}`);
  }

  #tell(message: ToEngine): void {
    // A process that has just ended cannot be told; `exited` says so.
    if (this.#process.connected) this.#process.send(message, () => {});
  }
}

/** What the engine prints, a crash's trace above all. It may quote SQL, so it is no part of the server's log. */
function openLog(directory: string): number {
  const path = join(directory, 'engine.log');
  if (existsSync(path)) renameSync(path, `${path}.1`);
  return openSync(path, 'w', 0o600);
}

/** The built entry file, also when this file runs from its source. */
function entry(): string {
  const index = createRequire(import.meta.url).resolve('@weir/clickhouse');
  return join(dirname(index), 'engine', 'engine-process.js');
}

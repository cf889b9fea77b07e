import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ClickHouseError } from '../clickhouse-error.js';
import type { FromEngine, StartEngine, ToEngine } from './control.js';

/** Threads for the engine's calls: at libuv's 4, readers starve inserts (p99 5 s); at 24 it is 0.2 s. */
const THREADS = '24';
/** An engine that has not ended this long after a stop request is killed. */
const STOP_LIMIT_MS = 10_000;
/** An engine that is not ready after this time is considered failed; opening a large directory takes seconds. */
const START_LIMIT_MS = 120_000;

/** The end of an engine process. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process of the engine, from start to end. */
export class EngineChild {
  readonly #process: ChildProcess;
  /** Resolves when the process has ended, for any reason. */
  readonly exited: Promise<EngineExit>;
  /** Resolves when the engine answers; rejects if the process ends before. */
  readonly ready: Promise<void>;

  constructor(order: StartEngine) {
    const log = openLog(order.directory);
    this.#process = fork(entry(), [], {
      cwd: order.directory,
      // The engine gets none of the server's environment: SQL can read files, and /proc exposes the environment as a
      // file.
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
    // A caller that only awaits `exited` must not cause an unhandled rejection of `ready`.
    this.ready.catch(() => {});
    this.#send(order);
  }

  /** The process id; undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Kills the process. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Stops the process, by force after a timeout. */
  async stop(): Promise<void> {
    this.#send({ type: 'stop' });
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
    // Only our own entry file sends messages here.
    const [message] = await Promise.race([once(this.#process, 'message') as Promise<[FromEngine]>, ended]);
    clearTimeout(limit);
    if (message.type === 'failed')
      throw new ClickHouseError('unavailable', `the embedded engine did not start: ${message.reason}`);
  }

  #send(message: ToEngine): void {
    // A process that has just ended cannot receive it; `exited` reports the end.
    if (this.#process.connected) this.#process.send(message, () => {});
  }
}

/**
 * Opens a file for the output of the engine, above all for crash traces. It may quote SQL, so it is not part of the
 * server's log.
 */
function openLog(directory: string): number {
  const path = join(directory, 'engine.log');
  if (existsSync(path)) renameSync(path, `${path}.1`);
  return openSync(path, 'w', 0o600);
}

/** The path of the built entry file, also when this file runs from its source. */
function entry(): string {
  const index = createRequire(import.meta.url).resolve('@weir/clickhouse');
  return join(dirname(index), 'engine', 'engine-process.js');
}

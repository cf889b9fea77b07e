import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { get } from 'node:http';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Backoff, type Logger, pause } from '@weir/base';
import { copyTemplate } from '@weir/base/node';
import type { EmbeddedTarget } from '../target.js';
import { DATA_DIRECTORY, type EngineLimits, type Wall } from './control.js';
import type { Engine, EngineHealth, EngineOptions, EngineState } from './engine.js';
import { EngineChild } from './engine-child.js';
import { placeSocket, type SocketPlace } from './socket-path.js';

const GIB = 1024 ** 3;
/** The server sends the engine small requests; an engine that answers none for this long is considered hung. */
const SILENCE_LIMIT_MS = 30_000;
/** Pings within that time. */
const PINGS = 6;

/**
 * Starts the embedded engine; resolves when it answers. Afterwards it is restarted whenever it ends.
 *
 * @throws ClickHouseError if it cannot start: another engine holds the directory, or the platform has none.
 * @example const engine = await startEngine({ dataDir: '.weir', logger }); const clickhouse =
 *   connectClickHouse(engine.target);
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  options.signal?.throwIfAborted();
  const engine = new EmbeddedEngine(options);
  const onAbort = (): void => void engine.close();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await engine.start();
  } catch (error) {
    options.signal?.removeEventListener('abort', onAbort);
    await engine.close();
    options.signal?.throwIfAborted();
    throw error;
  }
  return engine;
}

/** After this healthy time, the next failure counts as the first. */
const HEALTHY_MS = 60_000;

class EmbeddedEngine implements Engine {
  readonly target: EmbeddedTarget;
  readonly #directory: string;
  readonly #socket: SocketPlace;
  readonly #limits: EngineLimits;
  readonly #without: readonly Wall[];
  readonly #template: string | undefined;
  readonly #logger: Logger | undefined;
  readonly #listeners = new Set<(state: EngineState) => void>();
  readonly #backoff = new Backoff();
  readonly #closing = new AbortController();
  #state: EngineState = 'starting';
  #restarts = 0;
  #child: EngineChild | undefined;
  readonly #silenceLimitMs: number;
  #keeping: Promise<void> | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    const directory = join(options.dataDir, 'clickhouse');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = realpathSync(directory);
    this.#socket = placeSocket(this.#directory, 'engine.sock');
    this.#logger = options.logger;
    this.#silenceLimitMs = options.silenceLimitMs ?? SILENCE_LIMIT_MS;
    this.#without = options.without ?? [];
    this.#template = options.template;
    this.#limits = {
      memoryBytes: options.memoryBytes ?? Math.round(Math.min(4 * GIB, Math.max(1.5 * GIB, totalmem() / 2))),
      readers: options.readers ?? 8,
    };
    this.target = {
      socketPath: this.#socket.path,
      admin: { username: 'admin', password: randomBytes(32).toString('hex') },
      reader: { username: 'reader', password: randomBytes(32).toString('hex') },
      parser: { username: 'parser', password: randomBytes(32).toString('hex') },
    };
  }

  get readers(): number {
    return this.#limits.readers;
  }

  async start(): Promise<void> {
    if (this.#template !== undefined) await this.#copy(this.#template);
    const child = this.#spawn();
    await child.ready;
    this.#becomes('ready');
    this.#keeping = this.#keepAlive(child);
    this.#watching = this.#watch();
  }

  health(): EngineHealth {
    return { state: this.#state, restarts: this.#restarts, pid: this.#child?.pid };
  }

  onState(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#child?.stop();
    await Promise.all([this.#keeping, this.#watching]);
    this.#socket.remove();
    this.#becomes('stopped');
  }

  async #copy(template: string): Promise<void> {
    const data = join(this.#directory, DATA_DIRECTORY);
    if (existsSync(data)) return;
    await copyTemplate(template, data).catch((error: unknown) =>
      // A build may have replaced it just now. The engine starts empty, and the migration creates the tables.
      this.#logger?.warn({ err: error }, 'the prepared ClickHouse directory could not be copied'),
    );
  }

  /** Kills an engine process that no longer answers, so that a new one starts. */
  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    let answered = performance.now();
    while (!signal.aborted) {
      await pause(this.#silenceLimitMs / PINGS, signal);
      if (this.#state !== 'ready' || (await answers(this.#socket.path, this.#silenceLimitMs / PINGS)))
        answered = performance.now();
      else if (performance.now() - answered > this.#silenceLimitMs && !signal.aborted) {
        this.#logger?.warn({ pid: this.#child?.pid }, 'the embedded engine does not answer: killing it');
        this.#child?.kill();
        answered = performance.now();
      }
    }
  }

  async #keepAlive(first: EngineChild): Promise<void> {
    let child = first;
    let healthySince: number | undefined = Date.now();
    for (;;) {
      const exit = await child.exited;
      this.#child = undefined;
      if (this.#closing.signal.aborted) return;
      this.#restarts += 1;
      this.#becomes('restarting');
      if (healthySince !== undefined && Date.now() - healthySince >= HEALTHY_MS) this.#backoff.reset();
      const wait = Math.round(this.#backoff.next());
      this.#logger?.warn({ ...exit, restarts: this.#restarts, wait_ms: wait }, 'the embedded engine ended');
      await pause(wait, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      try {
        child = this.#spawn();
        await child.ready;
        healthySince = Date.now();
      } catch (error) {
        // Forking failed, so there is no process: report the end of the previous one, and retry.
        const reason = error instanceof Error ? error.message : '';
        this.#logger?.warn({ reason }, 'the embedded engine did not start');
        healthySince = undefined;
      }
      if (healthySince !== undefined && !this.#closing.signal.aborted) this.#becomes('ready');
    }
  }

  #spawn(): EngineChild {
    const child = new EngineChild({
      type: 'start',
      directory: this.#directory,
      socketPath: this.#socket.path,
      adminPassword: this.target.admin.password,
      readerPassword: this.target.reader.password,
      parserPassword: this.target.parser.password,
      limits: this.#limits,
      without: this.#without,
    });
    this.#child = child;
    return child;
  }

  #becomes(state: EngineState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state === 'ready') this.#logger?.info({ pid: this.#child?.pid }, 'the embedded engine is ready');
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        // A failing listener must not stop the supervision of the engine.
        this.#logger?.warn(
          { reason: error instanceof Error ? error.message : '' },
          'an engine listener failed',
        );
      }
    }
  }
}

/** Whether the engine answers on its socket. */
function answers(socketPath: string, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/alive', timeout }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

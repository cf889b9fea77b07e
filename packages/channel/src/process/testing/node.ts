import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import { type Log, openLog } from '@weir/log';
import { isUnavailable } from '@weir/postgres';
import type { StoreForm, TestStore } from '@weir/postgres/testing';
import { DEFAULT_PROCESS_LIMITS, type ProcessLimits, Router } from '../../channel/index.js';
import type { Assigned, Process } from '../process.js';
import { Processes } from '../processes.js';

/** The project, the submitter and the two executors of the tests. */
export const PROJECT = '00000000-0000-7000-8000-000000000001';
export const ANN = { credentialId: 'ann' };
export const BOB = 'bob';
export const EVE = 'eve';

/** A node on a PostgreSQL of one kind and a log on disk; it can be restarted on the same data. */
export class Node {
  readonly store: TestStore;
  retentionMs = 3_600_000;
  /** Limits of every project, for later submissions. */
  limits: ProcessLimits = DEFAULT_PROCESS_LIMITS;
  #directory: string;
  #log: Log;
  #processes: Processes;

  private constructor(store: TestStore, directory: string, log: Log) {
    this.store = store;
    this.#directory = directory;
    this.#log = log;
    this.#processes = this.#make();
  }

  static async open(form: StoreForm): Promise<Node> {
    const store = await form.open();
    const directory = await mkdtemp(join(tmpdir(), 'weir-process-'));
    return new Node(store, directory, await openLog({ engine: 'lmdb', path: directory }));
  }

  get processes(): Processes {
    return this.#processes;
  }

  /**
   * Discards the state in memory and starts again.
   * @param isLogLost starts with a new log instead of the previous one
   */
  async restart({ isLogLost = false } = {}): Promise<Processes> {
    await this.#processes.close();
    await this.#processes.router.close();
    if (isLogLost) {
      await this.#log.close();
      await rm(this.#directory, { recursive: true });
      this.#directory = await mkdtemp(join(tmpdir(), 'weir-process-'));
      this.#log = await openLog({ engine: 'lmdb', path: this.#directory });
    }
    this.#processes = this.#make();
    return this.#processes;
  }

  /**
   * Runs a node whose router does not receive changes: the state that a crash between the two commits leaves.
   * @param change the change that only PostgreSQL receives
   */
  async withoutRouter<T>(change: (processes: Processes) => Promise<T>): Promise<T> {
    await this.#processes.close();
    const elsewhere = new Router({ log: await openLog({ engine: 'memory' }) });
    // PostgreSQL must see the same log id.
    Object.defineProperty(elsewhere, 'logId', { value: this.#processes.router.logId });
    const processes = this.#make(elsewhere);
    const result = await change(processes);
    await processes.close();
    await this.restart();
    return result;
  }

  async close(): Promise<void> {
    await this.#processes.close();
    await this.#processes.router.close();
    await this.#log.close();
    await this.store.close();
    await rm(this.#directory, { recursive: true });
  }

  #make(router = new Router({ log: this.#log })): Processes {
    const { retentionMs } = this;
    const { postgres } = this.store;
    const limitsOf = () => this.limits;
    const processes = new Processes({ postgres, router, retentionMs, limitsOf, logger: silentLogger });
    processes.start();
    return processes;
  }
}

/** Options of `assign` in tests. */
export interface TakeOptions {
  readonly waitMs?: number;
  readonly executorType?: string;
  readonly signal?: AbortSignal;
}

/** Takes the next waiting process as an executor. */
export function assign(
  processes: Processes,
  executorId = BOB,
  { waitMs = 0, executorType = 'default', signal = new AbortController().signal }: TakeOptions = {},
): Promise<Assigned | null> {
  return processes.assign(PROJECT, executorId, { executorType, waitMs, signal });
}

/** Takes the next waiting process; fails if there is none. */
export async function take(processes: Processes, executorId = BOB, waitMs = 0): Promise<Assigned> {
  const assigned = await assign(processes, executorId, { waitMs });
  if (assigned === null) throw new Error('nothing waits');
  return assigned;
}

/** Submits a process as Ann. */
export async function submit(
  processes: Processes,
  wanted: Partial<Parameters<Processes['submit']>[2]> = {},
): Promise<Process> {
  return (await processes.submit(PROJECT, ANN.credentialId, { name: 'job', ...wanted })).process;
}

/** The code of the error of a call. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    (error: { readonly code?: string }) =>
      isUnavailable(error) ? 'store_unavailable' : (error.code ?? String(error)),
  );
}

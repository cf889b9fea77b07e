/** The real server as its user runs it: `weir serve` in a process of its own, over a data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@weir/base/testing';
import { commandLine, processTree } from './process-tree.js';
import { waitUntil } from './wait-until.js';
import { WeirProject } from './weir-project.js';

const CLI = fileURLToPath(new URL('../../../packages/cli/bin/weir.js', import.meta.url));

/** Settings of a {@link WeirProcess} beyond its own. */
export type Environment = Readonly<Record<string, string>>;

/** One server over one data directory, which outlives kills and restarts. */
export class WeirProcess extends WeirProject {
  readonly dataDir: string;
  readonly #environment: Environment;
  readonly #command: readonly string[];
  /** Told of everything the server writes. */
  onOutput: (text: string) => void = () => {};
  #child: ChildProcess | null = null;
  #port = 0;
  #output = '';

  /** @param command what Node runs; default `weir serve` */
  constructor(
    environment: Environment = {},
    dataDir = mkdtempSync(join(tmpdir(), 'weir-')),
    command: readonly string[] = [CLI, 'serve'],
  ) {
    super({
      project: randomUUID(),
      token: `weir_pub_${randomBytes(32).toString('hex')}`,
      key: `weir_sec_${randomBytes(32).toString('hex')}`,
      operatorKey: `weir_ops_${randomBytes(32).toString('hex')}`,
    });
    this.#environment = environment;
    this.#command = command;
    this.dataDir = dataDir;
  }

  /** The same over restarts; 0 before the first start. */
  override get port(): number {
    return this.#port;
  }

  /** The server's process id. */
  get pid(): number {
    const { pid } = this.#child ?? {};
    if (pid === undefined) throw new Error('the server is not running');
    return pid;
  }

  /** What the server has written, its last 64 KB. */
  get output(): string {
    return this.#output;
  }

  /** Starts the server and waits until it takes events (`ready`) or only until it answers (`live`). */
  async start(until: 'ready' | 'live' = 'ready', extra: Environment = {}): Promise<this> {
    this.#port ||= await freePort();
    const child = spawn(process.execPath, [...this.#command], {
      cwd: this.dataDir,
      env: {
        PATH: process.env.PATH,
        HOME: this.dataDir,
        WEIR_DATA_DIR: join(this.dataDir, 'data'),
        WEIR_PORT: String(this.#port),
        WEIR_BOOTSTRAP_PROJECT_ID: this.project,
        WEIR_BOOTSTRAP_INGEST_TOKEN: this.token,
        WEIR_BOOTSTRAP_API_KEY: this.key,
        WEIR_OPERATOR_KEY: this.operatorKey,
        WEIR_LOG_LEVEL: 'warn',
        ...this.#environment,
        ...extra,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        const text = chunk.toString('utf8');
        this.#output = (this.#output + text).slice(-65_536);
        this.onOutput(text);
      });
    }
    await waitUntil(
      `the server to be ${until}`,
      async () => {
        if (child.exitCode !== null)
          throw new Error(`the server ended with ${child.exitCode}:\n${this.#output}`);
        return until === 'ready' ? await this.#takesEvents() : await this.answers('/livez');
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#output}`);
    });
    return this;
  }

  /** Sends a signal to the server alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9 of the server alone; its children find out by themselves. Resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ids of the server's process and its children, for a kill that must not lose time over finding them. */
  get tree(): readonly number[] {
    return processTree(this.pid);
  }

  /** Id of the embedded ClickHouse engine's process; undefined while there is none. */
  get enginePid(): number | undefined {
    return this.tree.find((one) => commandLine(one).includes('engine-process'));
  }

  /** kill -9 of the server and all its children at once. */
  async killAll(): Promise<void> {
    for (const pid of this.tree) killQuietly(pid);
    await this.exited();
  }

  /** kill -9 of the embedded ClickHouse engine alone; false where it is not running. */
  killEngine(): boolean {
    const pid = this.enginePid;
    return pid !== undefined && killQuietly(pid);
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM');
  }

  /** Resolves with the exit code once the server has ended. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once('exit', resolve));
    }
    return child.exitCode;
  }

  /** Ends the server and removes the data directory. */
  async dispose(): Promise<void> {
    if (this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null)
      await this.killAll();
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #takesEvents(): Promise<boolean> {
    if (!(await this.answers('/readyz'))) return false;
    return (await this.send({ events: [] })).status === 200;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.signal(signal);
    return await this.exited();
  }
}

/** kill -9; false where there is no such process any more. */
export function killQuietly(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

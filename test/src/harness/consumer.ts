/** `weir event consume` as its user runs it: a process of its own, whose lines are read as they come. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { waitUntil } from './wait-until.js';
import type { WeirProcess } from './weir-process.js';

const CLI = fileURLToPath(new URL('../../../packages/cli/bin/weir.js', import.meta.url));

/** One line of standard output, and when it came: milliseconds of `Date.now`. */
export interface ConsumedLine {
  readonly text: string;
  readonly at: number;
}

/** What a consumer ended with. */
export interface ConsumerEnd {
  readonly code: number | null;
  readonly stdout: string;
  /** Lines of standard error. */
  readonly stderr: readonly string[];
  /** The error it told of; null for none. */
  readonly error: Readonly<Record<string, unknown>> | null;
}

/** A consumer; its standard input stays open until told otherwise. */
export class Consumer {
  readonly lines: ConsumedLine[] = [];
  readonly stderr: string[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  /**
   * @param args after `weir event`
   * @param environment instead of the server's own address and key
   * @param stdio `stdin`: /dev/null; `stdout`: a file descriptor
   */
  constructor(
    weir: Pick<WeirProcess, 'url' | 'project' | 'key' | 'dataDir'>,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    stdio: { readonly stdin?: 'ignore'; readonly stdout?: number } = {},
  ) {
    const { url, project, key, dataDir } = weir;
    this.#child = spawn(process.execPath, [CLI, 'event', ...args], {
      cwd: dataDir,
      env: {
        PATH: process.env.PATH,
        HOME: dataDir,
        WEIR_SERVER: url,
        WEIR_PROJECT: project,
        WEIR_KEY: key,
        ...environment,
      },
      stdio: [stdio.stdin ?? 'pipe', stdio.stdout ?? 'pipe', 'pipe'],
    });
    this.#closed = once(this.#child, 'close');
    const { stdout, stderr } = this.#child;
    if (stderr === null) throw new Error('a consumer without its streams');
    if (stdout !== null)
      createInterface({ input: stdout }).on('line', (text) => this.lines.push({ text, at: Date.now() }));
    createInterface({ input: stderr }).on('line', (line) => this.stderr.push(line));
  }

  /** Its process id. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the consumer did not start');
    return pid;
  }

  /** Whether its process has ended. */
  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves once it has said that every event comes from now on. */
  async ready(): Promise<this> {
    await waitUntil(
      'the consumer to be ready',
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it ended:\n${this.stderr.join('\n')}`);
        return this.stderr.some((line) => line.startsWith('[event] ready '));
      },
      60_000,
    );
    return this;
  }

  /** The documents so far; only where every line is one. */
  documents<T>(): T[] {
    return this.lines.map(({ text }) => JSON.parse(text) as T);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Goes on after {@link stopReading}. */
  readAgain(): void {
    this.#child.stdout?.resume();
  }

  /** Leaves its standard output open and reads none of it, until it has exited. */
  stopReading(): void {
    const { stdout } = this.#child;
    stdout?.pause();
    this.#child.once('exit', () => stdout?.resume());
  }

  /** Reads its standard output no more. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** Resolves once it has ended. */
  async ended(): Promise<ConsumerEnd> {
    await this.#closed;
    const told = this.stderr.find((line) => line.startsWith('{"ok":false'));
    return {
      code: this.#child.exitCode,
      stdout: this.lines.map(({ text }) => `${text}\n`).join(''),
      stderr: this.stderr,
      // The cast holds: it is a document of that form.
      error: told === undefined ? null : (JSON.parse(told) as { error: Record<string, unknown> }).error,
    };
  }

  /** Ends it at once, if it has not ended. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

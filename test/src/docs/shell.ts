/** An interactive shell that a test types into. */
import { type ChildProcess, spawn } from 'node:child_process';
import { processTree } from '../harness/process-tree.js';
import { waitUntil } from '../harness/wait-until.js';

/** What a command wrote. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const END = '__end_of_command__';

/** The arguments that make a shell interactive, without files of the user. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  bash: ['--norc', '--noprofile', '-i'],
  zsh: ['-f', '-i'],
};

/** A running shell. */
export class Shell {
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(name: 'bash' | 'zsh', cwd: string, env: Readonly<Record<string, string | undefined>>) {
    const child = spawn(name, [...(ARGUMENTS[name] ?? [])], {
      cwd,
      env: { ...env, PS1: '', PS2: '', PROMPT: '', HISTFILE: '' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString('utf8');
    });
  }

  /**
   * Types a command and waits for its end.
   * @param isEnough tells whether the output is whole; a command that goes on then is interrupted as by Ctrl-C
   */
  async run(command: string, isEnough: (stdout: string) => boolean = () => false): Promise<Output> {
    this.#stdout = '';
    this.#stderr = '';
    this.#child.stdin?.write(`${command}\necho ${END}$?\n`);
    const end = new RegExp(`${END}(\\d+)\\n$`);
    let isInterrupted = false;
    const ended = (): boolean => {
      if (!isInterrupted && isEnough(this.#stdout)) {
        isInterrupted = true;
        for (const pid of processTree(this.#child.pid ?? 0).slice(1)) interrupt(pid);
      }
      return end.test(this.#stdout);
    };
    await waitUntil(`the end of ${command}`, ended).catch((error: unknown) => {
      throw new Error(
        `${String(error)}; it wrote: ${this.#stdout.slice(0, 2_000)} ${this.#stderr.slice(-500)}`,
      );
    });
    const code = Number(end.exec(this.#stdout)?.[1]);
    return { stdout: this.#stdout.replace(end, ''), stderr: this.#stderr, code: isInterrupted ? 0 : code };
  }

  end(): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
  }
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It has ended by itself.
  }
}

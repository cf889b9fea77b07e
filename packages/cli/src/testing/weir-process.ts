/** Runs the built command as a process, for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The command. */
export const SCRIPT = fileURLToPath(new URL('../../bin/weir.js', import.meta.url));

/** Result of a command. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Working directory and variables of a command; WEIR_ variables of this process are not inherited. */
export interface Place {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a command. */
export function start(args: readonly string[], place: Place): ChildProcess {
  return spawn(process.execPath, [SCRIPT, ...args], {
    cwd: place.cwd,
    env: environmentOf(place),
    stdio: 'pipe',
  });
}

/** The variables of a command. */
export function environmentOf({ cwd, env = {} }: Place): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'));
  return { ...Object.fromEntries(inherited), WEIR_HOME: join(cwd, 'home'), ...env };
}

/** Waits for the end of a command. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map((one) => (one ? text(one) : '')),
  );
  return { code: await code, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** Maximum run time of a command before it is killed, so that it does not outlive its test. */
const COMMAND_TIMEOUT_MS = 50_000;

/** Runs a command to its end. */
export async function weir(args: readonly string[], place: Place, input = ''): Promise<Ended> {
  const child = start(args, place);
  // A command that fails before it has read all input closes the pipe.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
  return await ended(child).finally(() => clearTimeout(timer));
}

/** Retries until the function returns a value. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | null>,
  withinMs = 60_000,
): Promise<T> {
  for (const until = Date.now() + withinMs; Date.now() < until; await sleep(50)) {
    const answer = await ask();
    if (answer !== null) return answer;
  }
  throw new Error(`not within ${withinMs} ms: ${what}`);
}

/** A server of the built command, with its data in `.weir` of a directory. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;

  private constructor(url: string, child: ChildProcess, end: Promise<Ended>) {
    this.url = url;
    this.#child = child;
    this.#ended = end;
  }

  /**
   * Starts a server on a free port and waits until it is ready.
   * @param needs readiness to wait for: events only, or queries too
   */
  static async start(
    place: Place,
    args: readonly string[] = [],
    needs: 'events' | 'queries' = 'queries',
  ): Promise<ServerProcess> {
    const ready = needs === 'queries' ? '/readyz?for=query' : '/readyz';
    const child = start(['serve', '--port', '0', '--log-level', 'warn', ...args], place);
    const end = ended(child);
    const url = await eventually('a ready server', async () => {
      if (child.exitCode !== null) throw new Error(`the server ended: ${(await end).stderr}`);
      const credentials = await readFile(join(place.cwd, '.weir/credentials.json'), 'utf8').catch(() => null);
      if (credentials === null) return null;
      const { url: named } = JSON.parse(credentials) as { url: string };
      const answer = await fetch(`${named}${ready}`).catch(() => null);
      return answer?.ok === true ? named : null;
    });
    return new ServerProcess(url, child, end);
  }

  /** Sends a signal; resolves with the result of the server. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal);
    return await this.#ended;
  }
}

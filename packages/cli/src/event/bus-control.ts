/** `weir event status` and `weir event stop`: the buses of this person. */
import { pause } from '@weir/base';
import { BusControl, busDirectory, type FoundBus, findBuses, isLocked, readBusFile } from '@weir/bus/client';
import type { StatusResponse } from '@weir/bus/protocol';
import { CliError } from '../cli-error.js';
import { weirHome } from '../connection/profiles.js';
import type { Invocation } from '../invocation.js';
import { VERSION } from '../version.js';

/**
 * How a bus is: `running`, it answers · `orphaned`, its process lives and does not answer · `stopped`, there is none.
 */
type BusState = 'running' | 'orphaned' | 'stopped';

/** A bus, and what it says of itself. */
export interface KnownBus {
  readonly found: FoundBus;
  readonly state: BusState;
  readonly status: StatusResponse | undefined;
}

/** How long a bus may take to end: it gives back what groups lent, and waits for hooks. */
const END_MS = 15_000;
/** How long one that does not answer may take to end by a signal, before it is killed. */
const SIGNAL_MS = 3_000;
/** How long a bus that has just begun may take until it answers. */
const BEGIN_MS = 1_000;

/** All buses that run, or ran under Weir's own directory, each asked how it is. */
export async function knownBuses({ context: { env } }: Invocation): Promise<KnownBus[]> {
  const control = new BusControl(VERSION);
  const asked = (await findBuses(weirHome(env), env)).map(async (found): Promise<KnownBus> => {
    if (!found.isAlive) return { found, state: 'stopped', status: undefined };
    const deadline = performance.now() + BEGIN_MS;
    for (;;) {
      const status = await control.status(found.directory);
      if (status !== undefined) return { found, state: 'running', status };
      // It may have ended meanwhile, or be about to begin.
      if (!(await isLocked(found.directory.aliveLock))) return { found, state: 'stopped', status };
      if (performance.now() > deadline) return { found: await again(found), state: 'orphaned', status };
      await pause(50);
    }
  });
  return await Promise.all(asked);
}

/** A bus that has begun meanwhile has written its file since. */
async function again(found: FoundBus): Promise<FoundBus> {
  return { ...found, file: await readBusFile(found.directory) };
}

/** Buses to stop: all, or that of the project the command line names with that of this machine's own sources. */
export async function chosenBuses(invocation: Invocation, isAll: boolean): Promise<KnownBus[]> {
  const alive = (await knownBuses(invocation)).filter(({ state }) => state !== 'stopped');
  if (isAll) return alive;
  const { env } = invocation.context;
  const { server, project } = await invocation.connection();
  const apps = [{}, ...(project === null ? [] : [{ server, project }])];
  const paths = apps.map((app) => busDirectory(weirHome(env), app, env).path);
  return alive.filter(({ found }) => paths.includes(found.directory.path));
}

/** What to do about a bus that does not answer. */
export const STOP_HINT = 'End it with "weir event stop --all --force"';

/**
 * Ends a bus; one that does not answer only with `force`, by a signal.
 *
 * @throws CliError `failed` `bus_busy`, `bus_orphaned` or `bus_lives_on`
 */
export async function stopBus({ found, state, status }: KnownBus, force: boolean): Promise<void> {
  const { directory, file } = found;
  if (state === 'orphaned') {
    await endOrphan(found, force);
  } else {
    const answer = await new BusControl(VERSION).shutdown(directory, force);
    if (answer === undefined && (await isLocked(directory.aliveLock))) await endOrphan(found, force);
    if (answer?.isEnding === false) {
      const count = status?.consumers.length ?? 0;
      throw new CliError('failed', 'bus_busy', answer.message ?? `the bus has ${count} consumer(s)`, {
        hint: 'End them first, or give --force: they end with the reason upstream',
      });
    }
  }
  if (await hasEnded(directory.aliveLock, END_MS)) return;
  throw new CliError('failed', 'bus_lives_on', `the bus in ${directory.path} does not end`, {
    hint: force
      ? `End the process ${file?.pid ?? ''} yourself; ${directory.logFile} says what it waits for`
      : STOP_HINT,
  });
}

async function endOrphan({ directory, file }: FoundBus, force: boolean): Promise<void> {
  // The lock's holder has written the file: it removes one that was there before.
  const pid = file?.pid;
  if (!force || pid === undefined) {
    throw new CliError('failed', 'bus_orphaned', `a bus lives in ${directory.path} and does not answer`, {
      hint: pid === undefined ? 'Look for "event _bus" among the processes' : STOP_HINT,
    });
  }
  signal(pid, 'SIGTERM');
  if (await hasEnded(directory.aliveLock, SIGNAL_MS)) return;
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended, which is what was wanted.
  }
}

async function hasEnded(aliveLock: string, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (await isLocked(aliveLock)) {
    if (performance.now() > deadline) return false;
    await pause(50);
  }
  return true;
}

/** `weir event status` and `weir event stop`: the buses of this user. */
import { pause } from '@weir/base';
import { BusControl, busDirectory, type FoundBus, findBuses, isLocked, readBusFile } from '@weir/bus/client';
import type { StatusResponse } from '@weir/bus/protocol';
import { CliError } from '../cli-error.js';
import { weirHome } from '../connection/profiles.js';
import type { Invocation } from '../invocation.js';
import { VERSION } from '../version.js';

/**
 * State of a bus. `running`: it answers. `orphaned`: its process is alive and does not answer. `stopped`: no process is
 * alive.
 */
type BusState = 'running' | 'orphaned' | 'stopped';

/** A bus and its status. */
export interface KnownBus {
  readonly found: FoundBus;
  readonly state: BusState;
  readonly status: StatusResponse | undefined;
}

/** How long a bus may take to stop: it releases group deliveries and waits for hooks. */
const END_MS = 15_000;
/** Time between SIGTERM and SIGKILL for a bus that does not answer. */
const SIGNAL_MS = 3_000;
/** How long a starting bus may take to answer. */
const BEGIN_MS = 1_000;

/** All bus directories of this user, with the status of each bus. */
export async function knownBuses({ context: { env } }: Invocation): Promise<KnownBus[]> {
  const control = new BusControl(VERSION);
  const asked = (await findBuses(weirHome(env), env)).map(async (found): Promise<KnownBus> => {
    if (!found.isAlive) return { found, state: 'stopped', status: undefined };
    const deadline = performance.now() + BEGIN_MS;
    for (;;) {
      const status = await control.status(found.directory);
      if (status !== undefined) return { found, state: 'running', status };
      // The bus may have stopped meanwhile, or still be starting.
      if (!(await isLocked(found.directory.aliveLock))) return { found, state: 'stopped', status };
      if (performance.now() > deadline) return { found: await again(found), state: 'orphaned', status };
      await pause(50);
    }
  });
  return await Promise.all(asked);
}

/** Reads the file of a bus that has started meanwhile. */
async function again(found: FoundBus): Promise<FoundBus> {
  return { ...found, file: await readBusFile(found.directory) };
}

/** The buses to stop: all, or those of the selected project and of local sources. */
export async function chosenBuses(invocation: Invocation, isAll: boolean): Promise<KnownBus[]> {
  const alive = (await knownBuses(invocation)).filter(({ state }) => state !== 'stopped');
  if (isAll) return alive;
  const { env } = invocation.context;
  const { server, project } = await invocation.connection();
  const apps = [{}, ...(project === null ? [] : [{ server, project }])];
  const paths = apps.map((app) => busDirectory(weirHome(env), app, env).path);
  return alive.filter(({ found }) => paths.includes(found.directory.path));
}

/** Hint for a bus that does not answer. */
export const STOP_HINT = 'Stop it with "weir event stop --all --force"';

/**
 * Stops a bus; with `force`, a bus that does not answer is stopped by a signal.
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
        hint: 'Stop them first, or use --force: they end with the reason upstream',
      });
    }
  }
  if (await hasEnded(directory.aliveLock, END_MS)) return;
  throw new CliError('failed', 'bus_lives_on', `the bus in ${directory.path} does not stop`, {
    hint: force
      ? `End the process ${file?.pid ?? ''} yourself; ${directory.logFile} says what it waits for`
      : STOP_HINT,
  });
}

async function endOrphan({ directory, file }: FoundBus, force: boolean): Promise<void> {
  // The holder of the lock wrote this file, because a bus removes an older file when it starts.
  const pid = file?.pid;
  if (!force || pid === undefined) {
    throw new CliError('failed', 'bus_orphaned', `the bus in ${directory.path} runs but does not answer`, {
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
    // The process has already ended.
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

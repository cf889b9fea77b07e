import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { ConsumeError } from '@weir/event/source';
import * as z from 'zod';
import type { BusDirectory } from '../directory/bus-directory.js';
import { isLocked, lockFile } from '../directory/file-lock.js';
import { makePrivateDirectory } from '../transport/index.js';

/** The command that runs a bus. It calls `runBus` and reports the result over the IPC channel. */
export interface BusCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The message that a starting bus sends over its IPC channel. */
export type StartMessage =
  | { readonly state: 'ready' | 'not_needed' }
  | { readonly state: 'failed'; readonly message: string };

const startMessage = z.union([
  z.object({ state: z.enum(['ready', 'not_needed']) }),
  z.object({ state: z.literal('failed'), message: z.string() }),
]);

// How long to wait for another client that is starting the bus, and for our own bus to become ready.
const FORK_WAIT_MS = 20_000;
const START_MS = 15_000;

/**
 * Starts the bus of a directory as a detached process. If several clients find no bus at the same time, a lock ensures
 * that only one starts it.
 *
 * @param isThere checks for a running bus; called after the lock is held.
 * @throws ConsumeError `internal` if the bus cannot be started, `bus_orphaned` if a bus process runs but does not
 * respond.
 */
export async function startBus(
  directory: BusDirectory,
  { file, args, env }: BusCommand,
  isThere: () => Promise<boolean>,
): Promise<void> {
  await makePrivateDirectory(directory.path);
  const fork = await lockFile(directory.forkLock, FORK_WAIT_MS);
  if (fork === undefined)
    throw cannotStart(directory, `another process has held the start lock for ${FORK_WAIT_MS / 1000} s`);
  try {
    if (await isThere()) return;
    const log = openSync(directory.logFile, 'a', 0o600);
    try {
      const child = spawn(file, args, {
        cwd: directory.path,
        env,
        detached: true,
        stdio: ['ignore', log, log, 'ipc'],
      });
      await started(child, directory);
    } finally {
      closeSync(log);
    }
  } finally {
    await fork.release();
  }
}

async function started(child: ChildProcess, directory: BusDirectory): Promise<void> {
  const outcome = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(`it was not ready after ${START_MS / 1000} s`), START_MS);
    const settle = (reason?: string) => {
      clearTimeout(timer);
      resolve(reason);
    };
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(`it ended with ${signal ?? `code ${code}`}`));
    child.once('message', (message) => {
      const result = startMessage.parse(message);
      if (result.state === 'not_needed') settle('');
      else settle(result.state === 'failed' ? result.message : undefined);
    });
  });
  child.removeAllListeners();
  if (child.connected) child.disconnect();
  child.unref();
  if (outcome === undefined) return;
  if (outcome === '' || (await isLocked(directory.aliveLock))) {
    throw orphaned(directory);
  }
  throw cannotStart(directory, outcome);
}

/** A bus process holds the lock but does not respond: consumers cannot join, and another bus cannot start. */
export function orphaned(directory: BusDirectory): ConsumeError {
  return new ConsumeError(
    'internal',
    'bus_orphaned',
    `the bus in ${directory.path} runs but does not answer`,
    { hint: 'See "weir event status"; end it with "weir event stop --force".' },
  );
}

function cannotStart(directory: BusDirectory, reason: string): ConsumeError {
  return new ConsumeError('internal', 'bus_not_started', `the bus cannot be started: ${reason}`, {
    hint: `See ${directory.logFile}; WEIR_HOME selects another directory.`,
  });
}

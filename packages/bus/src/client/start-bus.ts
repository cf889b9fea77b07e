import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { ConsumeError } from '@weir/event/source';
import * as z from 'zod';
import type { BusDirectory } from '../directory/bus-directory.js';
import { isLocked, lockFile } from '../directory/file-lock.js';
import { makePrivateDirectory } from '../transport/index.js';

/** The command that is a bus: it runs `runBus` and says over its channel to us that it is ready. */
export interface BusCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** What a bus that is being started says over its channel. */
export type StartMessage =
  | { readonly state: 'ready' | 'not_needed' }
  | { readonly state: 'failed'; readonly message: string };

const startMessage = z.union([
  z.object({ state: z.enum(['ready', 'not_needed']) }),
  z.object({ state: z.literal('failed'), message: z.string() }),
]);

/** How long others may take to start one, and how long one may take. */
const FORK_WAIT_MS = 20_000;
const START_MS = 15_000;

/**
 * Starts the bus of a directory as a process of its own, which outlives this one. Of many who find none at the same
 * time one starts it, and the others find it.
 *
 * @param isThere whether one answers; asked once nobody else can be starting one.
 * @throws ConsumeError `internal` when it cannot be started, `bus_orphaned` when one lives that does not answer.
 */
export async function startBus(
  directory: BusDirectory,
  { file, args, env }: BusCommand,
  isThere: () => Promise<boolean>,
): Promise<void> {
  await makePrivateDirectory(directory.path);
  const fork = await lockFile(directory.forkLock, FORK_WAIT_MS);
  if (fork === undefined) throw cannotStart(directory, 'somebody else has been starting one for too long');
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
      const said = startMessage.parse(message);
      if (said.state === 'not_needed') settle('');
      else settle(said.state === 'failed' ? said.message : undefined);
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

/** A bus that lives and does not answer: nobody can be served, and no other can start. */
export function orphaned(directory: BusDirectory): ConsumeError {
  return new ConsumeError(
    'internal',
    'bus_orphaned',
    `a bus lives in ${directory.path} and does not answer`,
    { hint: 'See "weir event status"; end it with "weir event stop --force".' },
  );
}

function cannotStart(directory: BusDirectory, reason: string): ConsumeError {
  return new ConsumeError('internal', 'bus_not_started', `the bus cannot be started: ${reason}`, {
    hint: `${directory.logFile} says more; WEIR_HOME names another directory.`,
  });
}

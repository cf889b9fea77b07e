import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { writePrivateFile } from '@weir/base/node';
import { openSource, type SourceLimits } from '@weir/event/source';
import { Bus, type BusOptions } from '../bus/index.js';
import type { BusApp, BusDirectory } from '../directory/bus-directory.js';
import type { BusFile } from '../directory/bus-file.js';
import { lockFile } from '../directory/file-lock.js';
import { localTransport, makePrivateDirectory } from '../transport/index.js';
import { openBusLog } from './bus-log.js';

/** Options of {@link runBus}. */
export interface RunBusOptions {
  readonly directory: BusDirectory;
  readonly app: BusApp;
  /** Weir release. */
  readonly version: string;
  /** Runs a key's `cleanup` hook in a separate process. */
  readonly runCleanup: BusOptions['runCleanup'];
  /** How long the bus stays without consumers, milliseconds; default 30 s. */
  readonly idleMs?: number;
  readonly sources?: SourceLimits;
  /** Stops the bus. */
  readonly signal: AbortSignal;
  /** Called once the bus accepts consumers. */
  readonly onReady: () => void;
}

/** A client that checks whether a bus is alive holds the lock for an instant; wait for it. */
const LOCK_WAIT_MS = 2_000;

/**
 * Runs the bus of a directory until it is idle, a newer release replaces it, or it is stopped.
 *
 * @returns false if another process already runs this bus.
 * @throws TransportError and system errors.
 */
export async function runBus(options: RunBusOptions): Promise<boolean> {
  const { directory, app, version, idleMs, signal } = options;
  await makePrivateDirectory(directory.path);
  const alive = await lockFile(directory.aliveLock, LOCK_WAIT_MS);
  if (alive === undefined) return false;
  // Remove the file of an earlier bus. From here on, a client that finds the lock held reads only our own file.
  await rm(directory.pidFile, { force: true });
  const { logger, close: closeLog } = openBusLog(directory.logFile);
  try {
    const secret = randomBytes(32).toString('hex');
    const bus = new Bus({
      version,
      secret,
      leasesFile: directory.leasesFile,
      openSource: (spec, credential) => openSource(spec, credential, options.sources),
      runCleanup: options.runCleanup,
      log: logger,
      ...(idleMs === undefined ? {} : { limits: { idleMs } }),
    });
    await bus.start();
    const listener = await localTransport().listen(directory.socket, (socket) => bus.accept(socket));
    await writePrivateFile(directory.secretFile, secret);
    const file: BusFile = {
      pid: process.pid,
      version,
      socket: directory.socket,
      ...app,
      started_at: new Date().toISOString(),
    };
    await writePrivateFile(directory.pidFile, `${JSON.stringify(file)}\n`);
    logger.info({ ...file }, 'the bus accepts consumers');
    options.onReady();
    const reason = await Promise.race([bus.ended, aborted(signal)]);
    logger.info({ reason }, 'the bus ends');
    await bus.close(reason);
    await listener.close();
    await rm(directory.pidFile, { force: true });
    await rm(directory.secretFile, { force: true });
    return true;
  } catch (error) {
    logger.error({ err: error }, 'the bus failed');
    throw error;
  } finally {
    await closeLog();
    await alive.release();
  }
}

function aborted(signal: AbortSignal): Promise<'shutdown'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('shutdown');
    signal.addEventListener('abort', () => resolve('shutdown'), { once: true });
  });
}

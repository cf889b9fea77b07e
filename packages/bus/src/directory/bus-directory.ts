import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sanitizeAppId } from '@weir/event';
import { localPath } from '../transport/index.js';

/** What a bus serves: a project of a server, or the sources of this machine that need neither. */
export interface BusApp {
  /** URL without a slash at its end; absent for sources of this machine. */
  readonly server?: string;
  /** Id of the project; absent as well. */
  readonly project?: string;
}

/** The directory of one bus, and what is in it. */
export interface BusDirectory {
  readonly path: string;
  /** Where it listens: in the directory, or in a shorter place where that is too long for a socket. */
  readonly socket: string;
  /** A `BusFile`: there while the bus takes consumers. */
  readonly pidFile: string;
  /** What hello must carry. */
  readonly secretFile: string;
  /** Locked for as long as the bus lives. */
  readonly aliveLock: string;
  /** Locked by who is starting a bus. */
  readonly forkLock: string;
  readonly logFile: string;
  readonly leasesFile: string;
}

/** The directory that has the directories of all buses: `events` of Weir's own. */
export function eventsDirectory(home: string): string {
  return join(home, 'events');
}

/**
 * Where the bus of an app keeps itself. The name says what it serves, and a hash in it keeps apart what only differs in
 * what a name cannot have.
 *
 * @param home Weir's own directory, absolute: `~/.weir`.
 * @param environment see `localPath`.
 */
export function busDirectory(home: string, app: BusApp, environment: NodeJS.ProcessEnv): BusDirectory {
  return directoryAt(join(eventsDirectory(home), nameOf(app)), environment);
}

/** The same for a directory that was found. */
export function directoryAt(path: string, environment: NodeJS.ProcessEnv): BusDirectory {
  return {
    path,
    socket: localPath(path, environment),
    pidFile: join(path, 'bus.pid'),
    secretFile: join(path, 'bus.secret'),
    aliveLock: join(path, 'bus.alive.lock'),
    forkLock: join(path, 'bus.fork.lock'),
    logFile: join(path, 'bus.log'),
    leasesFile: join(path, 'leases.json'),
  };
}

function nameOf({ server, project }: BusApp): string {
  if (server === undefined) return 'local';
  const hash = createHash('sha256')
    .update(JSON.stringify([server, project]))
    .digest('hex')
    .slice(0, 12);
  // A socket's path has little room.
  const host = new URL(server).host.slice(0, 24);
  return sanitizeAppId(`${host}-${(project ?? '').slice(-8)}-${hash}`).replaceAll(':', '-');
}

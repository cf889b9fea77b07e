import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sanitizeAppId } from '@weir/event';
import { localPath } from '../transport/index.js';

/** What a bus serves: one project of a server, or the local sources, which need neither a server nor a project. */
export interface BusApp {
  /** URL without a trailing slash; absent for local sources. */
  readonly server?: string;
  /** Project id; absent for local sources. */
  readonly project?: string;
}

/** The files of one bus. */
export interface BusDirectory {
  readonly path: string;
  /** The socket path: in the directory, or a shorter one elsewhere if that exceeds the limit for socket paths. */
  readonly socket: string;
  /** A `BusFile`; it exists while the bus accepts consumers. */
  readonly pidFile: string;
  /** The secret that hello must contain. */
  readonly secretFile: string;
  /** Locked while the bus process is alive. */
  readonly aliveLock: string;
  /** Locked by the client that is starting a bus, so that several clients do not start one each. */
  readonly forkLock: string;
  readonly logFile: string;
  readonly leasesFile: string;
}

/** The parent of all bus directories. */
export function eventsDirectory(home: string): string {
  return join(home, 'events');
}

/**
 * The directory of an app's bus. The name starts with the server and project for readability; a hash distinguishes apps
 * whose names differ only in characters that are not allowed in a file name.
 *
 * @param home Weir's own directory, absolute: `~/.weir`.
 * @param environment see `localPath`.
 */
export function busDirectory(home: string, app: BusApp, environment: NodeJS.ProcessEnv): BusDirectory {
  return directoryAt(join(eventsDirectory(home), nameOf(app)), environment);
}

/** The files of a bus in an existing directory. */
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
  // Keep the name short: socket paths are limited to about 100 bytes.
  const host = new URL(server).host.slice(0, 24);
  return sanitizeAppId(`${host}-${(project ?? '').slice(-8)}-${hash}`).replaceAll(':', '-');
}

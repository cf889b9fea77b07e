import { tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import { NetTransport } from './net-transport.js';
import { pipePath, socketPath } from './socket-path.js';
import type { Transport } from './transport.js';
import { UnixTransport } from './unix-transport.js';

/** What this machine's processes reach one another by: named pipes on Windows, Unix sockets elsewhere. */
export function localTransport(): Transport {
  return process.platform === 'win32' ? new NetTransport() : new UnixTransport();
}

/**
 * Where the bus of a directory listens on this machine.
 *
 * @param directory absolute: `~/.weir/events/<app>` in full.
 * @param environment whose `XDG_RUNTIME_DIR` is asked when the directory is too long for a socket; both sides must see
 * the same one.
 */
export function localPath(directory: string, environment: NodeJS.ProcessEnv): string {
  if (!isAbsolute(directory)) throw new RangeError(`the directory must be absolute, not ${directory}`);
  // Without numbers of users there are pipes.
  const uid = process.getuid?.();
  if (process.platform === 'win32' || uid === undefined) return pipePath(directory);
  return socketPath(directory, { runtimeDirectory: environment.XDG_RUNTIME_DIR || tmpdir(), uid });
}

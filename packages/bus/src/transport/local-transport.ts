import { tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import { NetTransport } from './net-transport.js';
import { pipePath, socketPath } from './socket-path.js';
import type { Transport } from './transport.js';
import { UnixTransport } from './unix-transport.js';

/** The transport of this machine: named pipes on Windows, Unix sockets elsewhere. */
export function localTransport(): Transport {
  return process.platform === 'win32' ? new NetTransport() : new UnixTransport();
}

/**
 * The socket or pipe path for the bus of a directory.
 *
 * @param directory absolute, such as `/home/me/.weir/events/<app>`.
 * @param environment provides `XDG_RUNTIME_DIR`, used if the directory is too long for a socket path. Client and bus
 * must have the same value, or they compute different paths.
 */
export function localPath(directory: string, environment: NodeJS.ProcessEnv): string {
  if (!isAbsolute(directory)) throw new RangeError(`the directory must be absolute, not ${directory}`);
  // A platform without user ids uses named pipes.
  const uid = process.getuid?.();
  if (process.platform === 'win32' || uid === undefined) return pipePath(directory);
  return socketPath(directory, { runtimeDirectory: environment.XDG_RUNTIME_DIR || tmpdir(), uid });
}

import { createHash } from 'node:crypto';
import { posix, win32 } from 'node:path';
import { TransportError } from './transport-error.js';

/** What every system we know takes as a socket's path: 104 bytes of macOS, less one for the end. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** Where short paths go when a directory's own is too long. */
export interface RuntimeDirectory {
  /** A directory for sockets of this machine: `XDG_RUNTIME_DIR`, else the system's for temporary files. */
  readonly runtimeDirectory: string;
  /** The user's number, which keeps users apart in a directory that they share. */
  readonly uid: number;
}

/**
 * The path of a directory's Unix socket: `bus.sock` in it, or, where that is too long for a socket, a short one under
 * the runtime directory, named after the hash of the long one. The same input always gives the same path.
 *
 * @param directory absolute.
 * @throws TransportError `path_too_long` when the runtime directory is too long as well.
 */
export function socketPath(directory: string, runtime: RuntimeDirectory): string {
  const path = posix.join(directory, 'bus.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  const short = posix.join(runtime.runtimeDirectory, `weir-${runtime.uid}`, `${hash(path)}.sock`);
  if (Buffer.byteLength(short) <= MAX_SOCKET_PATH_BYTES) return short;
  throw new TransportError(
    'path_too_long',
    `Neither ${directory} nor ${runtime.runtimeDirectory} leaves room for a socket's path of at most ` +
      `${MAX_SOCKET_PATH_BYTES} bytes. Set XDG_RUNTIME_DIR to a shorter directory.`,
  );
}

/**
 * The path of a directory's named pipe on Windows, where pipes are no files: `\\.\pipe\weir-event-<hash>`. Directories
 * that Windows takes for the same, whatever their case and slashes, have the same pipe.
 *
 * @param directory absolute, such as `C:\Users\me\.weir\events\app`.
 */
export function pipePath(directory: string): string {
  const same = win32.normalize(directory).replace(/\\+$/, '').toLowerCase();
  return `\\\\.\\pipe\\weir-event-${hash(same)}`;
}

// Hexadecimal: names of pipes, and of files on some systems, do not tell capital letters from small ones.
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

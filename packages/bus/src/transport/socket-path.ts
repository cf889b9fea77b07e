import { createHash } from 'node:crypto';
import { posix, win32 } from 'node:path';
import { TransportError } from './transport-error.js';

/** The longest socket path that all supported systems accept: the 104 bytes of macOS, less the terminating zero. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** Where the socket is placed if the path in its own directory is too long. */
export interface RuntimeDirectory {
  /** `XDG_RUNTIME_DIR`, or the directory of temporary files. */
  readonly runtimeDirectory: string;
  /** The numeric user id; it separates users that share the runtime directory. */
  readonly uid: number;
}

/**
 * The path of a directory's Unix socket: `bus.sock` in the directory or, if that path is too long, a short path in the
 * runtime directory whose name is the hash of the long path. Deterministic.
 *
 * @param directory absolute.
 * @throws TransportError `path_too_long` if the runtime directory is too long as well.
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
 * The named pipe of a directory on Windows: `\\.\pipe\weir-event-<hash>`. Windows ignores case and accepts both slashes
 * in paths, so the path is normalized before hashing.
 *
 * @param directory absolute, such as `C:\Users\me\.weir\events\app`.
 */
export function pipePath(directory: string): string {
  const same = win32.normalize(directory).replace(/\\+$/, '').toLowerCase();
  return `\\\\.\\pipe\\weir-event-${hash(same)}`;
}

// Hexadecimal, because pipe names, and file names on some systems, ignore case.
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

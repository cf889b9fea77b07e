import { chmod, lstat, unlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { codeOf } from '@weir/base';
import { NetTransport } from './net-transport.js';
import { makePrivateDirectory, requirePrivateDirectory } from './private-directory.js';
import { MAX_SOCKET_PATH_BYTES } from './socket-path.js';
import type { Listener, Transport } from './transport.js';
import { TransportError } from './transport-error.js';

/**
 * Unix sockets that only their owner can use: mode 0600 in a directory of mode 0700. `listen` creates the directory;
 * `connect` refuses a socket in any other directory, because another user could have made it.
 *
 * A killed listener leaves its socket file. `listen` removes the file only if a connection to it is refused. Two
 * processes that do so at the same time could remove each other's new socket, so a caller must hold a lock for the
 * path, as the bus does.
 */
export class UnixTransport implements Transport {
  readonly #net = new NetTransport();

  async listen(path: string, onConnection: (socket: Socket) => void): Promise<Listener> {
    refuseTooLong(path);
    await makePrivateDirectory(dirname(path));
    let listener: Listener;
    try {
      listener = await this.#net.listen(path, onConnection);
    } catch (error) {
      if (!(error instanceof TransportError && error.code === 'in_use')) throw error;
      await this.#removeStale(path);
      listener = await this.#net.listen(path, onConnection);
    }
    try {
      // The directory is already private; the mode protects the socket if the directory is opened later.
      await chmod(path, 0o600);
    } catch (cause) {
      await listener.close();
      throw new TransportError('failed', `Cannot make the socket ${path} private: ${cause}.`, { cause });
    }
    return listener;
  }

  async connect(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Socket> {
    refuseTooLong(path);
    await requirePrivateDirectory(dirname(path)).catch((error: unknown) => {
      // If the directory does not exist, connecting reports `not_running`.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    });
    return this.#net.connect(path, options);
  }

  // Removes the socket file of a dead listener; throws if the path is in use or is no socket.
  async #removeStale(path: string): Promise<void> {
    try {
      if (!(await lstat(path)).isSocket()) {
        throw new TransportError(
          'not_a_socket',
          `The file at ${path} is not a socket. Move it, or use another directory.`,
        );
      }
      const socket = await this.#net.connect(path);
      socket.destroy();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      if (!(error instanceof TransportError)) throw error;
      // Only ECONNREFUSED proves that no process listens. Keep the file on `busy` and on unknown errors.
      if (error.code === 'busy') throw inUse(path, error);
      if (error.code !== 'not_running') throw error;
      await unlink(path).catch((cause) => {
        if (codeOf(cause) !== 'ENOENT') throw cause;
      });
      return;
    }
    throw inUse(path);
  }
}

function inUse(path: string, cause?: unknown): TransportError {
  return new TransportError('in_use', `Another process listens at ${path}. Stop it first.`, { cause });
}

function refuseTooLong(path: string): void {
  // Some systems truncate a longer path silently and create the socket at another path.
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new TransportError(
      'path_too_long',
      `The socket path is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${path}. Use a shorter directory.`,
    );
  }
}

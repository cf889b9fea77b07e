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
 * Unix sockets that only their owner can reach: 0600 in a directory of 0700, which `listen` makes, and without which
 * `connect` does not trust who listens.
 *
 * What a killed listener left is removed when nobody answers at it, and only then. Two processes that find it at the
 * same time may each remove what the other made of it: whoever listens holds a lock for the path, as the bus does.
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
      // Nobody else could get at it before either: the directory is private.
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
      // Where there is none nobody listens, which connecting says.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    });
    return this.#net.connect(path, options);
  }

  // Resolves when the path is free; otherwise throws why it is not.
  async #removeStale(path: string): Promise<void> {
    try {
      if (!(await lstat(path)).isSocket()) {
        throw new TransportError(
          'not_a_socket',
          `A file that is no socket is at ${path}. Move it away, or use another directory.`,
        );
      }
      const socket = await this.#net.connect(path);
      socket.destroy();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      if (!(error instanceof TransportError)) throw error;
      // Busy, or an error we do not know, is an answer: only a refusal says that nobody is there.
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
  return new TransportError('in_use', `Somebody answers at ${path}. End them first.`, { cause });
}

function refuseTooLong(path: string): void {
  // Some systems cut longer ones without a word, and the socket is made elsewhere.
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new TransportError(
      'path_too_long',
      `No socket can have a path of more than ${MAX_SOCKET_PATH_BYTES} bytes: ${path}. Use a shorter directory.`,
    );
  }
}

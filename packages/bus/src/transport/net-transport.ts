import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { codeOf } from '@weir/base';
import type { Listener, Transport } from './transport.js';
import { TransportError } from './transport-error.js';

/**
 * The transport as the system gives it: on Windows, where pipes need no directory and leave nothing behind, all of it;
 * elsewhere what `UnixTransport` is made of.
 */
export class NetTransport implements Transport {
  async listen(path: string, onConnection: (socket: Socket) => void): Promise<Listener> {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      onConnection(socket);
    });
    await listening(server, path);
    let closed: Promise<void> | undefined;
    return {
      path,
      close: () => {
        closed ??= new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of open) socket.destroy();
        });
        return closed;
      },
    };
  }

  async connect(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Socket> {
    const { signal } = options;
    signal?.throwIfAborted();
    const socket = createConnection(path);
    return new Promise((resolve, reject) => {
      const settle = () => {
        socket.off('connect', connected).off('error', failed);
        signal?.removeEventListener('abort', aborted);
      };
      const connected = () => {
        settle();
        resolve(socket);
      };
      const failed = (cause: Error) => {
        settle();
        reject(connectError(path, cause));
      };
      const aborted = () => {
        settle();
        // A refusal may still arrive for the socket that is being given up.
        socket.on('error', () => {}).destroy();
        reject(signal?.reason);
      };
      socket.once('connect', connected).once('error', failed);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => reject(listenError(path, cause));
    server.once('error', failed);
    server.listen(path, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function listenError(path: string, cause: Error): TransportError {
  if (codeOf(cause) === 'EADDRINUSE') {
    return new TransportError('in_use', `The path ${path} is taken. End who listens there first.`, { cause });
  }
  return new TransportError('failed', `Cannot listen at ${path}: ${cause.message}.`, { cause });
}

function connectError(path: string, cause: Error): TransportError {
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new TransportError('not_running', `Nobody listens at ${path}. Start it first.`, { cause });
  }
  if (code === 'EAGAIN' || code === 'EBUSY') {
    return new TransportError('busy', `Who listens at ${path} takes no more connections now. Try again.`, {
      cause,
    });
  }
  return new TransportError('failed', `Cannot connect to ${path}: ${cause.message}.`, { cause });
}

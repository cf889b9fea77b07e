import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { codeOf } from '@weir/base';
import type { Listener, Transport } from './transport.js';
import { TransportError } from './transport-error.js';

/**
 * Plain node:net sockets. On Windows this is the whole transport: named pipes need no directory and leave no file.
 * Elsewhere `UnixTransport` adds directory checks and the removal of stale socket files.
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
        // The system may still report an error for the abandoned socket; without a listener it would crash the process.
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
    return new TransportError(
      'in_use',
      `The path ${path} is in use. Stop the process that listens there first.`,
      { cause },
    );
  }
  return new TransportError('failed', `Cannot listen at ${path}: ${cause.message}.`, { cause });
}

function connectError(path: string, cause: Error): TransportError {
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new TransportError('not_running', `No process listens at ${path}. Start it first.`, { cause });
  }
  if (code === 'EAGAIN' || code === 'EBUSY') {
    return new TransportError('busy', `The process at ${path} accepts no more connections now. Retry.`, {
      cause,
    });
  }
  return new TransportError('failed', `Cannot connect to ${path}: ${cause.message}.`, { cause });
}

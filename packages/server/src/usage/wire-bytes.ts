import type { Socket } from 'node:net';

interface Counted {
  in: number;
  out: number;
}

const counted = new WeakMap<Socket, Counted>();

/**
 * Bytes of a connection since the last call, including heads. Called once at the end of each request, so that the
 * requests of a connection together have all its bytes. With pipelining, some bytes of one request may count for its
 * neighbour.
 */
export function takeBytes(socket: Socket): { readonly bytesIn: number; readonly bytesOut: number } {
  const before = counted.get(socket);
  const { bytesRead, bytesWritten } = socket;
  if (before === undefined) {
    counted.set(socket, { in: bytesRead, out: bytesWritten });
    return { bytesIn: bytesRead, bytesOut: bytesWritten };
  }
  const taken = { bytesIn: bytesRead - before.in, bytesOut: bytesWritten - before.out };
  before.in = bytesRead;
  before.out = bytesWritten;
  return taken;
}

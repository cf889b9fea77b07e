import type { Socket } from 'node:net';

interface Counted {
  in: number;
  out: number;
}

const counted = new WeakMap<Socket, Counted>();

/**
 * Bytes a connection has carried since this was last asked, heads included: called once at the end of each request, all
 * requests of a connection together have all its bytes. Where a client sends requests before it has the answers to
 * earlier ones, some bytes of one may count for its neighbour.
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

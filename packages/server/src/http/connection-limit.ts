/** Limits the connections of one address, so that one client cannot exhaust the file descriptors of the process. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { connectionArrived } from '@weir/base';
import { addressKey, isNear } from './address.js';
import { Problem } from './problem.js';
import { endWithProblem } from './raw-answer.js';

/** Maximum known proxies; an installation has few, each with many clients. */
const MAX_PROXIES = 1_000;

/** Counts the connections of each address. */
export class ConnectionLimit {
  readonly #max: number;
  readonly #onRefused: () => void;
  readonly #counts = new Map<string, number>();
  readonly #counted = new WeakSet<Socket>();
  readonly #proxies = new Set<string>();

  /**
   * @param max connections of one address
   * @param onRefused called for each refusal, for the metrics
   */
  constructor(max: number, onRefused: () => void) {
    this.#max = max;
    this.#onRefused = onRefused;
  }

  /** Makes a server refuse connections beyond the limit, each with an answer. Call it before the server listens. */
  guard(server: Server): void {
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      connectionArrived();
      if (!this.#admit(socket)) refuse(socket, this.#max);
      else for (const listener of serve) listener.call(server, socket);
    });
  }

  /** Marks the sender of a request as a reverse proxy if it is on the same host or network and forwards for others. */
  noteProxy({ headers, socket }: IncomingMessage): void {
    const { remoteAddress } = socket;
    if (headers['x-forwarded-for'] === undefined || remoteAddress === undefined || !isNear(remoteAddress))
      return;
    if (this.#proxies.size < MAX_PROXIES) this.#proxies.add(addressKey(remoteAddress));
  }

  /** Whether the key of an address belongs to a proxy, which has many clients. */
  isProxy(address: string): boolean {
    return this.#proxies.has(address);
  }

  #admit(socket: Socket): boolean {
    // A request that offers HTTP/2 is parsed again on the same connection.
    if (this.#counted.has(socket)) return true;
    this.#counted.add(socket);
    const address = addressKey(socket.remoteAddress ?? '');
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    socket.once('close', () => {
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left === 0) this.#counts.delete(address);
      else this.#counts.set(address, left);
    });
    if (count <= this.#max || this.#proxies.has(address)) return true;
    this.#onRefused();
    return false;
  }
}

/**
 * How long a refused client may continue sending. It would not see the answer if the connection broke while it sends.
 */
const LINGER_MS = 1_000;

function refuse(socket: Socket, limit: number): void {
  const patience = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(patience));
  socket.resume();
  endWithProblem(
    socket,
    new Problem('at_capacity', `one address may have ${limit} connections`, {
      limit,
      hint: 'close connections that are not in use; WEIR_MAX_CONNECTIONS_PER_ADDRESS sets the limit',
    }),
  );
}

/**
 * A `pg` pool with a gate: while the gate is shut, asking for a connection fails at once instead of waiting for
 * timeouts one after another, and every failure to get one is a `PostgresError`. `Pool.query` and Drizzle's
 * transactions both come through `connect`, so this is the only place that needs to know.
 *
 * It also bounds how long a connection may be held. A server ends long statements by itself, but a network that
 * swallows packets, or PGlite (which cannot be interrupted), would hold a caller for ever.
 */
import pg from 'pg';
import { PostgresError } from './postgres-error.js';

/** Time to reach a server and log in. */
const CONNECT_TIMEOUT_MS = 2_000;
/** Time to wait for a connection of a pool that is fully in use. */
const WAIT_TIMEOUT_MS = 10_000;
/** Time one caller may hold a connection: above the statement timeout, so that the server speaks first. */
const LEASE_MS = 40_000;

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void;

/** What {@link GatedPool} needs to know. */
export interface GatedPoolOptions {
  readonly connection: pg.PoolConfig;
  /** Why nobody may have a connection now, or null when the gate is open. */
  readonly closedBecause: () => PostgresError | null;
  /** A connection broke; the store may be down. */
  readonly onConnectionLost: (error: Error) => void;
  /** A caller held a connection past the limit; it was cut off. */
  readonly onLeaseExpired: () => void;
}

/** The pool behind `Postgres.db`. */
export class GatedPool extends pg.Pool {
  readonly #closedBecause: () => PostgresError | null;
  readonly #leases = new Map<pg.PoolClient, NodeJS.Timeout>();

  constructor({ connection, closedBecause, onConnectionLost, onLeaseExpired }: GatedPoolOptions) {
    super({ ...connection, Client: StoreClient, connectionTimeoutMillis: WAIT_TIMEOUT_MS });
    this.#closedBecause = closedBecause;
    // Without a listener an 'error' ends the process. The pool emits it for idle clients, a client for itself
    // while it is checked out.
    this.on('error', onConnectionLost);
    this.on('connect', (client) => client.on('error', onConnectionLost));
    this.#limitLeases(onLeaseExpired);
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const closed = this.#closedBecause();
    if (callback === undefined) {
      return closed === null ? this.connectAnyway() : Promise.reject(closed);
    }
    if (closed !== null) callback(closed, undefined, () => undefined);
    else super.connect((error, client, done) => callback(error && connectError(error), client, done));
    return undefined;
  }

  /** Connects past the gate: for whoever finds out whether it may be opened. */
  async connectAnyway(): Promise<pg.PoolClient> {
    try {
      return await super.connect();
    } catch (error) {
      throw connectError(error);
    }
  }

  /** Whether somebody asking for a connection now would have to wait for another to give one back. */
  get saturated(): boolean {
    return this.waitingCount > 0 || (this.idleCount === 0 && this.totalCount >= this.options.max);
  }

  /** Ends every connection: idle ones now, those in use when they are given back or after `graceMs`. */
  async shutdown(graceMs: number): Promise<void> {
    const cutOff = new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.cutOff();
        resolve();
      }, graceMs);
      void this.end().then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    await cutOff;
  }

  /** Fails the statements that are running: the store is away, and their callers would wait for its silence. */
  cutOff(): void {
    for (const client of this.#leases.keys()) void client.end();
  }

  #limitLeases(onLeaseExpired: () => void): void {
    this.on('acquire', (client) => {
      const expire = () => {
        onLeaseExpired();
        // With a statement running, `end` cuts the socket, and the statement fails.
        void client.end();
      };
      this.#leases.set(client, setTimeout(expire, LEASE_MS).unref());
    });
    this.on('release', (_error, client) => {
      clearTimeout(this.#leases.get(client));
      this.#leases.delete(client);
    });
  }
}

/** A client with a connect timeout of its own: the pool's option of that name bounds the wait for a free client. */
class StoreClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  }
}

function connectError(cause: unknown): PostgresError {
  if (cause instanceof PostgresError) return cause;
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'no connection';
  return new PostgresError('store_unavailable', `The relational store is unavailable: ${reason}`, { cause });
}

/**
 * A `pg` pool with a gate: while the gate is closed, requests for a connection fail at once instead of waiting for one
 * timeout after another; every failure to connect is a `PostgresError`. `Pool.query` and Drizzle's transactions both
 * use `connect`, so the gate is needed only here.
 *
 * It also limits how long a connection may be held. A server ends long statements itself, but a network that drops
 * packets, or PGlite (which cannot be interrupted), would block a caller forever.
 */
import pg from 'pg';
import { PostgresError } from './postgres-error.js';

/** Maximum time to connect to a server and log in. */
const CONNECT_TIMEOUT_MS = 2_000;
/** Maximum wait for a connection of a fully used pool. */
const WAIT_TIMEOUT_MS = 10_000;
/**
 * Maximum time that a caller may hold a connection: above the statement timeout, so that the server's error comes
 * first.
 */
const LEASE_MS = 40_000;

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void;

/** Dependencies of a {@link GatedPool}. */
export interface GatedPoolOptions {
  readonly connection: pg.PoolConfig;
  /** Why the gate is closed; null while it is open. */
  readonly closedBecause: () => PostgresError | null;
  /** Called when a connection broke; the store may be down. */
  readonly onConnectionLost: (error: Error) => void;
  /** Called when a caller held a connection beyond the limit and was disconnected. */
  readonly onLeaseExpired: () => void;
}

/** The pool behind `Postgres.db`. */
export class GatedPool extends pg.Pool {
  readonly #closedBecause: () => PostgresError | null;
  readonly #leases = new Map<pg.PoolClient, NodeJS.Timeout>();

  constructor({ connection, closedBecause, onConnectionLost, onLeaseExpired }: GatedPoolOptions) {
    super({ ...connection, Client: StoreClient, connectionTimeoutMillis: WAIT_TIMEOUT_MS });
    this.#closedBecause = closedBecause;
    // Without a listener an 'error' event ends the process. The pool emits it for idle clients, a client for itself
    // while it is in use.
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

  /** Connects despite a closed gate, to find out whether to open it. */
  async connectAnyway(): Promise<pg.PoolClient> {
    try {
      return await super.connect();
    } catch (error) {
      throw connectError(error);
    }
  }

  /** Whether a request for a connection would have to wait for another caller. */
  get saturated(): boolean {
    return this.waitingCount > 0 || (this.idleCount === 0 && this.totalCount >= this.options.max);
  }

  /** Ends every connection: idle ones now, those in use when they are released or after `graceMs`. */
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

  /** Fails the running statements: the store is unavailable, and their callers would wait for a timeout. */
  cutOff(): void {
    for (const client of this.#leases.keys()) void client.end();
  }

  #limitLeases(onLeaseExpired: () => void): void {
    this.on('acquire', (client) => {
      const expire = () => {
        onLeaseExpired();
        // During a statement, `end` closes the socket, and the statement fails.
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

/** A client with its own connect timeout: the pool's option of that name limits the wait for a free client. */
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

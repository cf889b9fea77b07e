/**
 * The relational store: a PostgreSQL server or, without one, PGlite in a child process, behind one driver.
 *
 * Opening does not wait for the store. A background loop connects, migrates and opens the gate of the pool. While the
 * store answers, the loop probes it every few seconds, and sooner after a broken connection. When the store does not
 * answer, the gate closes, so that callers fail at once, and the loop reconnects. A returning store is migrated like a
 * new one, because it may have been restored from a backup.
 */
import { Backoff, defined, type Logger, silentLogger, Wakeup } from '@weir/base';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { GatedPool } from './gated-pool.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations/index.js';
import { PgliteEngine } from './pglite/pglite-engine.js';
import { PostgresError } from './postgres-error.js';
import * as schema from './schema/index.js';

const LOOK_AGAIN_MS = 5_000;
const HEARTBEAT_MS = 2_000;
const ANSWER_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const SERVER_CONNECTIONS = 10;
const CLOSE_GRACE_MS = 5_000;
const TELL_AGAIN_MS = 60_000;

/**
 * `starting` until the first success · `ready` connected and migrated · `down` unavailable after `ready`, or
 * permanently failed (see `ready`) · `stopped` closed.
 */
export type PostgresState = 'starting' | 'ready' | 'down' | 'stopped';

/** Options of {@link openPostgres}. */
export interface PostgresOptions {
  /** A server (`postgres://…`). Without it PGlite runs in `dataDir`. */
  readonly url?: string;
  /** Weir's data directory. */
  readonly dataDir: string;
  /** A prepared directory that PGlite's first start copies, see `postgresTemplate`. Default: it creates one. */
  readonly template?: string | undefined;
  readonly logger?: Logger;
}

/** The open relational store. */
export interface Postgres {
  /**
   * Drizzle on the store. Until `ready`, and while the store is down, every query fails at once with an error for which
   * `isUnavailable` is true. PGlite has one connection: inside `db.transaction` use only its `tx`, await no other I/O
   * between its statements, and do not name prepared statements.
   */
  readonly db: NodePgDatabase<typeof schema>;
  /**
   * Resolves once, when the store was first connected and migrated, however long that takes. Rejects with
   * `PostgresError`: `schema_newer` if the data is newer than this code, `store_unavailable` if closed before.
   */
  readonly ready: Promise<void>;
  readonly state: PostgresState;
  /** Probes the store now, within 2 s; while every connection is in use, returns the last known state. */
  ping(): Promise<boolean>;
  /** Calls `listener` at each change of `state`; returns a function that removes it. */
  onState(listener: (state: PostgresState) => void): () => void;
  /** Ends connections, and PGlite, within about 10 s. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the relational store without waiting for it.
 *
 * @example
 * const postgres = openPostgres({ dataDir: '.weir' });
 * await postgres.ready;
 * await postgres.db.select().from(projects);
 */
export function openPostgres(options: PostgresOptions): Postgres {
  return new PostgresStore(options);
}

class PostgresStore implements Postgres {
  readonly db: NodePgDatabase<typeof schema>;
  readonly ready: Promise<void>;
  readonly #pool: GatedPool;
  readonly #engine: PgliteEngine | null;
  readonly #logger: Logger;
  readonly #listeners = new Set<(state: PostgresState) => void>();
  readonly #loop: Promise<void>;
  #state: PostgresState = 'starting';
  #lastError: unknown;
  #toldReason: string | null = null;
  #toldAt = 0;
  #resolveReady: () => void = () => undefined;
  #rejectReady: (error: PostgresError) => void = () => undefined;
  readonly #wakeup = new Wakeup();
  #closing: Promise<void> | null = null;

  constructor({ url, dataDir, template, logger = silentLogger }: PostgresOptions) {
    this.#logger = logger;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // A caller that does not await it must not cause an unhandled rejection.
    this.ready.catch(() => undefined);
    this.#engine = url === undefined ? this.#createEngine(dataDir, template) : null;
    this.#pool = new GatedPool({
      connection: this.#engine === null ? serverConnection(url) : pgliteConnection(this.#engine),
      closedBecause: () => this.#closedBecause(),
      onConnectionLost: () => {
        if (this.#state === 'ready') this.#wakeup.call();
      },
      onLeaseExpired: () => {
        this.#logger.error({}, 'a connection to the relational store was held too long and was closed');
        this.#engine?.restart();
        this.#wakeup.call();
      },
    });
    this.db = drizzle(this.#pool, { schema });
    this.#engine?.start();
    this.#loop = this.#run();
  }

  get state(): PostgresState {
    return this.#state;
  }

  async ping(): Promise<boolean> {
    if (this.#state !== 'ready') return false;
    if (this.#pool.saturated) return true;
    return this.#answers().then(
      () => true,
      () => false,
    );
  }

  onState(listener: (state: PostgresState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    this.#enter('stopped');
    this.#rejectReady(this.#unavailable('it was closed'));
    this.#wakeup.call();
    await this.#pool.shutdown(CLOSE_GRACE_MS);
    await this.#engine?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const backoff = new Backoff();
    while (this.#state !== 'stopped') {
      if (this.#engine !== null && !this.#engine.up) {
        // PGlite reports when it is up; until then there is no server to connect to.
        await this.#wakeup.wait(LOOK_AGAIN_MS);
        continue;
      }
      try {
        await this.#bringUp();
        backoff.reset();
        await this.#watch();
      } catch (error) {
        this.#lastError = error;
        if (error instanceof PostgresError && !error.retryable) {
          this.#logger.error({ err: error }, 'the relational store cannot be used');
          this.#rejectReady(error);
          this.#enter('down');
          return;
        }
        if (this.#isStopped()) return;
        if (this.#state === 'ready') {
          this.#enter('down');
          this.#pool.cutOff();
        }
        const wait = Math.round(backoff.next());
        this.#report(error, wait);
        await this.#wakeup.wait(wait);
      }
    }
  }

  /** Reports a connection failure once, and again when its reason changes or a minute has passed. */
  #report(error: unknown, retryInMs: number): void {
    const { reason, hint } = reasonOf(error);
    const isKnown = reason === this.#toldReason && performance.now() - this.#toldAt < TELL_AGAIN_MS;
    if (isKnown) return;
    this.#toldReason = reason;
    this.#toldAt = performance.now();
    this.#logger.warn({ reason, retryInMs, hint }, 'the relational store does not answer; retrying');
  }

  async #bringUp(): Promise<void> {
    const client = await this.#pool.connectAnyway();
    let failure: Error | undefined;
    try {
      const applied = await migrate(client, migrations);
      if (applied.length > 0) this.#logger.info({ applied }, 'the relational store was migrated');
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(failure);
    }
    this.#enter('ready');
    this.#toldReason = null;
    this.#resolveReady();
  }

  /** Returns when stopped, throws when the store does not answer. */
  async #watch(): Promise<void> {
    while (this.#state === 'ready') {
      await this.#wakeup.wait(HEARTBEAT_MS);
      // With every connection in use, a probe would only measure the queue; the running statements reveal an outage.
      if (this.#state === 'ready' && !this.#pool.saturated) await this.#answers();
    }
  }

  async #answers(): Promise<void> {
    const client = await this.#pool.connectAnyway();
    let failure: Error | undefined;
    let answered = false;
    // Decide only after reading the socket: if this process was busy for that long, the answer is there, unread.
    const lookOnce = () => setImmediate(() => answered || void client.end());
    const late = setTimeout(lookOnce, ANSWER_MS);
    try {
      await client.query('select 1');
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      answered = true;
      clearTimeout(late);
      client.release(failure);
    }
  }

  #createEngine(dataDir: string, template: string | undefined): PgliteEngine {
    return new PgliteEngine({
      dataDir,
      template,
      logger: this.#logger,
      onUp: () => this.#wakeup.call(),
      onDown: () => {
        if (this.#state === 'ready') this.#enter('down');
        this.#wakeup.call();
      },
    });
  }

  #closedBecause(): PostgresError | null {
    if (this.#state === 'ready') return null;
    if (this.#state === 'stopped') return this.#unavailable('it was closed');
    return this.#unavailable(
      this.#state === 'starting' ? 'it is starting' : 'it does not answer',
      this.#lastError,
    );
  }

  #unavailable(why: string, cause?: unknown): PostgresError {
    return new PostgresError('store_unavailable', `The relational store is unavailable: ${why}`, { cause });
  }

  // A method, because the compiler assumes that a compared property is unchanged after an await.
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #enter(state: PostgresState): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function serverConnection(url: string | undefined): pg.PoolConfig {
  return {
    ...defined({ connectionString: url }),
    max: SERVER_CONNECTIONS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'weir',
  };
}

function pgliteConnection(engine: PgliteEngine): pg.PoolConfig {
  return {
    host: engine.socketDirectory,
    port: engine.port,
    user: 'postgres',
    database: 'postgres',
    max: 1,
    // All connections reach the same backend, so the session state of the previous one must be discarded.
    onConnect: (client) => client.query('discard all'),
  };
}

/** Hints for errors that a retry does not fix, by PostgreSQL's code. */
const HINTS: Readonly<Record<string, string>> = {
  '3D000': 'create the database, or correct its name in WEIR_POSTGRES_URL',
  '28P01': 'correct user and password in WEIR_POSTGRES_URL',
  '28000': 'correct the user in WEIR_POSTGRES_URL, or let it in by pg_hba.conf',
  ENOTFOUND: 'correct the host in WEIR_POSTGRES_URL',
  ECONNREFUSED: 'start the server, or correct host and port in WEIR_POSTGRES_URL',
};

/** The reason of a connection failure, without a stack, because the place in this code explains nothing. */
function reasonOf(error: unknown): { readonly reason: string; readonly hint: string | undefined } {
  const cause = error instanceof PostgresError ? (error.cause ?? error) : error;
  // Node tries every address of a host, and reports the failures together.
  const [first = cause] = cause instanceof AggregateError ? cause.errors : [];
  const code = first instanceof Error && 'code' in first ? String(first.code) : '';
  const reason = first instanceof Error ? first.message : String(first);
  return { reason, hint: HINTS[code] };
}

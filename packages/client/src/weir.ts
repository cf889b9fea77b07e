import { Admin } from './admin/admin.js';
import { DeadLetters } from './admin/dead-letters.js';
import { type Channel, type ChannelOptions, channel } from './channel/channel.js';
import { Feed, type FeedEvent, type FeedOptions } from './feed/feed.js';
import { Groups } from './feed/groups.js';
import { Connection } from './http/connection.js';
import { documentOf } from './http/document.js';
import { type Ingested, type IngestOptions, ingest } from './ingest/ingest.js';
import type { NewEvent } from './ingest/new-event.js';
import { Receipt } from './ingest/receipt.js';
import { Processes } from './process/processes.js';
import { type Handler, type Worker, type WorkerOptions, worker } from './process/worker.js';
import {
  type QueryFormat,
  type QueryOptions,
  type QueryResult,
  query,
  queryBytes,
  queryRows,
} from './query/query.js';
import { type Schema, schema } from './query/schema.js';
import { type Usage, type UsageOptions, usageAt } from './usage/usage.js';

/** Which server, and with which credentials. */
export interface WeirOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** API key (`weir_sec_…`) with the scopes that are needed; or a credential of another kind, for its own part of the API. */
  readonly key: string;
  /** Ingest token (`weir_pub_…`), for `ingest` and receipts; default `key`. */
  readonly token?: string | undefined;
  /** Operator key, for `admin`; default `key`. */
  readonly operatorKey?: string | undefined;
  /** Id of the project; default the one of the API key, which is asked for once. */
  readonly project?: string | undefined;
  /** How long to repeat a request while the server does not answer or is overloaded, milliseconds; default 60,000. */
  readonly patienceMs?: number | undefined;
}

/** What an API key opens. */
export interface Whoami {
  readonly projectId: string;
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** RFC 3339; null for a key that does not expire. */
  readonly expiresAt: string | null;
}

/**
 * A client of one server. Its methods repeat what fails for a moment, and throw a `WeirError` with the server's stable `code`
 * otherwise: `unauthorized`, `insufficient_scope`, `at_capacity`, …; `unreachable` without an answer; `cancelled` by a signal.
 *
 * ```ts
 * const weir = new Weir({ url: 'http://127.0.0.1:8080', key: process.env.WEIR_KEY, token: process.env.WEIR_TOKEN });
 * await weir.ingest([{ event: 'signup', user_id: 'u1', properties: { plan: 'pro' } }], { wait: 'stored' });
 * const { rows } = await weir.query<{ n: string }>('SELECT count() AS n FROM events');
 * await weir.close();
 * ```
 */
export class Weir {
  /** The server, without a slash at its end. */
  readonly url: string;
  /** Jobs that one program submits and another runs. Scope `process`. */
  readonly processes: Processes;
  /** Members share the items of the feed, and do each at least once. Scope `feed`. */
  readonly groups: Groups;
  /** Events of the project that could not be stored. Scope `admin`. */
  readonly deadLetters: DeadLetters;
  /** The operator's part: projects, credentials, limits, the ingest switch, dead letters of all projects. */
  readonly admin: Admin;
  readonly #connection: Connection;
  readonly #sending: Connection;
  #project: Promise<string> | undefined;

  /** @throws TypeError for a URL or a credential that cannot be one */
  constructor({ url, key, token = key, operatorKey = key, project, patienceMs }: WeirOptions) {
    const connectionOf = (credential: string): Connection => new Connection({ url, credential, patienceMs });
    this.#connection = connectionOf(key);
    this.#sending = connectionOf(token);
    this.url = this.#connection.url;
    this.#project = project === undefined ? undefined : Promise.resolve(project);
    const place = { connection: this.#connection, project: () => this.#projectId() };
    this.processes = new Processes(this.#connection);
    this.groups = new Groups(place);
    this.deadLetters = new DeadLetters(this.#connection, async () => `${await this.#projectPath()}/dlq`);
    this.admin = new Admin(connectionOf(operatorKey));
  }

  /**
   * Sends events; resolves when the valid ones are on disk, in as many requests as the server's limits need. Each event gets an
   * id in this call, so that a repeated request counts it once. A call that fails may have sent some events: to repeat it, send
   * the events of {@link withIds}.
   *
   * ```ts
   * const { rejected, errors, receipt } = await weir.ingest([{ event: 'signup', user_id: 'u1' }]);
   * if (rejected > 0) console.error(errors);
   * await receipt.wait();
   * ```
   * @throws WeirError `unauthorized` (no ingest token), `ingest_disabled`, `ingest_full`, `payment_required`, …
   */
  async ingest(events: readonly NewEvent[], options: IngestOptions = {}): Promise<Ingested> {
    return await ingest(this.#sending, events, options);
  }

  /** A receipt by the `ids` of an earlier one. */
  receipt(...ids: readonly string[]): Receipt {
    return new Receipt(this.#sending, ids);
  }

  /**
   * Runs one SELECT on the tables `events`, `persons` and `sessions`; its rows as objects, at most 10,000. Scope `query`.
   *
   * ```ts
   * const sql = 'SELECT event, count() AS n FROM events WHERE event = {name:String} GROUP BY event';
   * const { rows } = await weir.query<{ event: string; n: string }>(sql, { params: { name: 'signup' } });
   * ```
   * @throws WeirError `sql_invalid`, `sql_not_allowed`, `query_failed`, `query_timeout`, … with `facts.position`
   */
  async query<Row = Record<string, unknown>>(
    sql: string,
    options: QueryOptions = {},
  ): Promise<QueryResult<Row>> {
    return await query<Row>(this.#connection, await this.#projectId(), sql, options);
  }

  /**
   * Runs one SELECT and yields its rows while they arrive, without a limit of rows. Ending the iteration stops the query.
   *
   * ```ts
   * for await (const { event_id } of weir.queryRows<{ event_id: string }>('SELECT event_id FROM events')) check(event_id);
   * ```
   * @throws WeirError as {@link Weir.query}; `interrupted` where the answer breaks off
   */
  async *queryRows<Row = Record<string, unknown>>(
    sql: string,
    options: QueryOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    yield* queryRows<Row>(this.#connection, await this.#projectId(), sql, options);
  }

  /** Runs one SELECT; its answer as bytes in a format for files. Read or cancel it. Throws like {@link Weir.query}. */
  async queryBytes(
    sql: string,
    options: QueryOptions & { readonly format: QueryFormat },
  ): Promise<ReadableStream<Uint8Array>> {
    return await queryBytes(this.#connection, await this.#projectId(), sql, options);
  }

  /** The tables and their columns; with `properties` also the event names and what their events hold. Scope `query`. */
  async schema(options: { readonly properties?: boolean } = {}): Promise<Schema> {
    return await schema(this.#connection, await this.#projectId(), options);
  }

  /**
   * Follows the project's feed: each item once and in order, through broken connections. Scope `feed`.
   *
   * ```ts
   * for await (const { event, cursor } of weir.feed({ event: ['signup'], after: 'earliest' })) console.log(event.user_id);
   * ```
   */
  feed<Item = FeedEvent>(options: FeedOptions = {}): Feed<Item> {
    return new Feed<Item>({ connection: this.#connection, project: () => this.#projectId() }, options);
  }

  /** What the project's requests came to, in whole hours. Scope `query`. @throws WeirError `usage_disabled` */
  async usage(options: UsageOptions = {}): Promise<Usage> {
    return await usageAt(this.#connection, `${await this.#projectPath()}/usage`, options);
  }

  /**
   * Takes processes of a type, one after another, until it is closed: what `handler` returns is the output, what it throws the
   * error. Scopes `process` and `channel`.
   *
   * ```ts
   * const llm = weir.worker('llm', async (job) => {
   *   const tokens = job.channel('tokens');
   *   for await (const token of model(job.args, job.signal)) void tokens.send(token);
   *   await tokens.sendEnd();
   * });
   * ```
   */
  worker(type: string, handler: Handler, options: WorkerOptions = {}): Worker {
    return worker(this.#connection, type, handler, options);
  }

  /**
   * A channel of a process, as its submitter or an observer: for programs that have only its id. Scope `channel`.
   *
   * ```ts
   * for await (const message of weir.channel({ process: id, name: 'tokens' })) console.log(message.text());
   * ```
   */
  channel(options: ChannelOptions): Channel {
    return channel(this.#connection, options);
  }

  /** What the API key opens. @throws WeirError `unauthorized` */
  async whoami(): Promise<Whoami> {
    return documentOf<Whoami>(await this.#connection.json({ path: '/api/v1/whoami' }));
  }

  /** Closes channels once what was sent is stored, and workers and consumers once their work in hand is done. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #projectPath(): Promise<string> {
    return `/api/v1/projects/${encodeURIComponent(await this.#projectId())}`;
  }

  /** Asks once; a failure is not kept. */
  async #projectId(): Promise<string> {
    this.#project ??= this.whoami().then(({ projectId }) => projectId);
    const asked = this.#project;
    try {
      return await asked;
    } catch (error) {
      if (this.#project === asked) this.#project = undefined;
      throw error;
    }
  }
}

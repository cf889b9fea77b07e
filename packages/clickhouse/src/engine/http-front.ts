import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { useSummary } from '../query-use.js';
import { COUNT_RUNNING, KILL_RUNNING } from '../running-queries.js';
import type { ScopeSigner } from '../scope.js';
import { EndedQueries } from './ended-queries.js';
import { EngineException } from './engine-exception.js';
import type { SessionSetup } from './engine-sessions.js';
import { HttpAnswer } from './http-answer.js';
import { readInsert } from './insert-spool.js';
import { bodyOf, readStatementRequest, readText, type StatementRequest } from './request.js';
import type { RunningStatement, RunningStatements } from './running-statements.js';
import type { Statements } from './statements.js';
import type { EngineUser, Users } from './users.js';

/** Maximum text of a statement; the engine's own limit, max_query_size, is lower. */
const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;

/** Parameters are part of the URL, and may be as long as a text. */
const MAX_URL_BYTES = 8 * 1024 * 1024;

/** Dependencies of the HTTP front. */
export interface HttpFrontParts {
  readonly users: Users;
  readonly scope: ScopeSigner;
  readonly statements: Statements;
  readonly running: RunningStatements;
  /** Sends the engine a small query. */
  readonly isAlive: () => Promise<boolean>;
  /** Ends this process, so that the server starts another. */
  readonly onFatal: (reason: string) => void;
  /** False omits the wall `rights`, for tests of the other walls. */
  readonly readerRights: boolean;
  /** Whether a name is a setting of this engine. */
  readonly isSetting: (name: string) => boolean;
}

/** The request of one statement, with its state. */
interface Exchange {
  readonly user: EngineUser;
  readonly statement: StatementRequest;
  readonly setup: SessionSetup;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly answer: HttpAnswer;
  /** Aborts when the statement is stopped. */
  readonly signal: AbortSignal;
  readonly entry: RunningStatement;
}

/** The part of ClickHouse's HTTP interface that `@clickhouse/client` uses, in front of the embedded engine. */
export class HttpFront {
  readonly #parts: HttpFrontParts;
  readonly #ended = new EndedQueries();

  constructor(parts: HttpFrontParts) {
    this.#parts = parts;
  }

  /** Creates the HTTP server; it does not listen yet. */
  server(): Server {
    const server = createServer({ maxHeaderSize: MAX_URL_BYTES }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    // The only client closes its idle sockets after 2.5 s; if the server closed first, requests would fail.
    server.keepAliveTimeout = 60_000;
    server.requestTimeout = 0;
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/ping') {
      response.end('Ok.\n');
      return;
    }
    if (request.url === '/alive') return this.#alive(response);
    const search = new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1]);
    const given = search.get('query_id') ?? '';
    // The id becomes a response header.
    const queryId = /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    const answer = new HttpAnswer(response, queryId);
    try {
      const user = this.#parts.users.authenticate(request.headers.authorization);
      await this.#run(user, readStatementRequest(search, this.#parts.isSetting), request, response, answer);
    } catch (error) {
      answer.fail(error);
      if (isFatal(error)) this.#parts.onFatal('the engine says that it has failed');
    } finally {
      // An unread rest of the body would precede the next request on this connection.
      if (!request.readableEnded) request.resume();
    }
  }

  /** Whether the engine itself answers; this front may outlive it. */
  async #alive(response: ServerResponse): Promise<void> {
    const isAlive = await this.#parts.isAlive().catch(() => false);
    response.writeHead(isAlive ? 200 : 503).end();
  }

  async #run(
    user: EngineUser,
    statement: StatementRequest,
    request: IncomingMessage,
    response: ServerResponse,
    answer: HttpAnswer,
  ): Promise<void> {
    const { running, statements } = this.#parts;
    const setup = this.#setup(user, statement);
    const insert =
      user === 'admin' && statement.query !== undefined ? readInsert(statement.query) : undefined;
    const stopped = new AbortController();
    const stop = (): void => {
      stopped.abort();
      if (!request.complete) request.destroy();
      // A reader that stopped reading would block a stopped stream.
      if (response.headersSent) response.destroy();
      if (user !== 'parser') statements.kill(setup.comment).catch(() => {});
    };
    const entry: RunningStatement = { tag: statement.tag, finishes: insert !== undefined, stop };
    const exchange: Exchange = {
      user,
      statement,
      setup,
      request,
      response,
      answer,
      signal: stopped.signal,
      entry,
    };
    await running.track(entry, async () => {
      try {
        if (insert === undefined) return await this.#answer(exchange);
        answer.whole(NOTHING, await statements.insert(insert, bodyOf(request), setup, stopped.signal));
      } finally {
        // A kill is answered when the query has ended; its use must be known by then.
        if (user === 'reader') this.#ended.keep(statement.tag, answer.used);
      }
    });
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { user, statement, setup, request, response, answer, signal, entry } = exchange;
    const { running, statements } = this.#parts;
    const body = await readText(bodyOf(request), MAX_STATEMENT_BYTES);
    if (statement.query !== undefined && body !== '') {
      // The engine would cut inline data at its first empty line and run the rest as SQL; see InsertSpool.
      throw new EngineException(
        48,
        'NOT_IMPLEMENTED',
        'Only INSERT INTO table (columns) FORMAT name takes data',
      );
    }
    const sql = statement.query ?? body;
    if (user === 'admin' && (await this.#answerAboutRunning(sql, statement, answer, signal))) return;
    // The client has disconnected: the engine need not start, or continue.
    if (response.destroyed) return;
    response.once('close', () => {
      if (!response.writableFinished) void running.end(entry);
    });
    // A stream accepts exactly one SELECT; this is part of the isolation of projects.
    if (setup.role === undefined && !isSelect(sql)) {
      answer.whole(await statements.execute(sql, statement.format, setup, signal));
      return;
    }
    const isExplain = user === 'parser' && sql.startsWith('EXPLAIN ');
    const query = {
      sql: isExplain ? `SELECT * FROM (${sql})` : sql,
      format: statement.format,
      setup,
      ...(user === 'reader' ? { watchedAs: this.#parts.scope.everybody() } : {}),
    };
    await statements.stream(
      query,
      (bytes) => answer.part(bytes),
      signal,
      (use) => answer.add(use),
    );
    answer.end();
  }

  // Answers requests about running statements. The engine's process list lacks those that have not reached the engine;
  // see RunningStatements.
  async #answerAboutRunning(
    sql: string,
    statement: StatementRequest,
    answer: HttpAnswer,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { running } = this.#parts;
    if (sql !== COUNT_RUNNING && sql !== KILL_RUNNING) return false;
    const prefix = statement.params.get('tag') ?? '';
    // Every tag starts with the empty text, including the tag of this statement, which would wait for itself.
    if (prefix === '') throw new EngineException(36, 'BAD_ARGUMENTS', 'A tag is needed');
    if (sql === COUNT_RUNNING) {
      answer.whole(Buffer.from(`${JSON.stringify({ running: String(await running.count(prefix)) })}\n`));
    } else {
      await running.kill(prefix, signal);
      const use = this.#ended.of(prefix);
      answer.whole(use === undefined ? NOTHING : Buffer.from(`${JSON.stringify(useSummary(use))}\n`));
    }
    return true;
  }

  #setup(user: EngineUser, statement: StatementRequest): SessionSetup {
    const { scope } = this.#parts;
    // KILL QUERY finds a statement by its comment, so the comment must be unique. Parsing is short and keeps its
    // session, so it shares one comment.
    const run = `${randomBytes(8).toString('hex')}:${statement.tag}`;
    const shared = {
      settings: [...statement.settings],
      params: [...statement.params],
      database: statement.database,
    };
    if (user === 'admin') return { ...shared, comment: `${scope.everybody()}:${run}`, role: undefined };
    // `readonly` is set after the role: a session that starts frozen cannot set a role.
    const settings = shared.settings.filter(([name]) => name !== 'readonly');
    if (user === 'parser') {
      return { ...shared, settings, comment: '-:', role: 'nobody' };
    }
    // A reader's tag starts with its project: `<project id>` or `<project id>:<tag>`.
    const project = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:$|:)/.exec(statement.tag)?.[1];
    if (project === undefined) {
      throw new EngineException(36, 'BAD_ARGUMENTS', 'A reader needs a project: its id begins log_comment');
    }
    return {
      ...shared,
      settings,
      comment: `${scope.project(project)}:${run}`,
      role: this.#parts.readerRights ? 'reader' : undefined,
    };
  }
}

const NOTHING = new Uint8Array(0);

/**
 * Whether chDB never recovers from an error: after a stack overflow, for example, it answers every further statement
 * with that error.
 */
function isFatal(error: unknown): boolean {
  const { number, message } = EngineException.from(error);
  return number === 236 && message.includes('fatal error');
}

// Other statements with a result run in one piece; the stream rejects everything that is not exactly one SELECT.
function isSelect(sql: string): boolean {
  return /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(?:SELECT|WITH|FROM)\b/i.test(sql);
}

import type { Readable } from 'node:stream';
import { NOTHING_USED, type QueryUse } from '../query-use.js';
import type { ScopeSigner } from '../scope.js';
import { chunkJoining } from './chunk-format.js';
import { EngineException } from './engine-exception.js';
import { openSession, type SessionPlace, type SessionSetup } from './engine-sessions.js';
import { type InsertSpool, type InsertStatement, insertFromFile } from './insert-spool.js';
import { type ChunkReader, QueryPool } from './query-pool.js';
import type { StreamingQuery } from './query-worker.js';
import { Semaphore } from './semaphore.js';
import { literal } from './sql-text.js';

/** The result of an insert. */
export interface StatementSummary {
  readonly writtenRows: number;
  readonly writtenBytes: number;
}

/**
 * Concurrent statements on libuv's threads; together with the pools fewer than UV_THREADPOOL_SIZE, so that none
 * starves.
 */
const DIRECT = 8;
/** Concurrent streaming SELECTs of admin. */
const ADMIN_STREAMS = 4;
/**
 * One function call may hold a query past every limit. If all threads have been held this long and a query waits, only
 * a new engine helps.
 */
const STUCK_MS = 30_000;
/** Texts parsed concurrently. */
const PARSERS = 2;
/** Callers that may wait for a stream; further ones are rejected. */
const MAX_WAITING = 64;

/** Runs statements on the engine: inserts, streamed SELECTs, and the rest. */
export class Statements {
  readonly #place: SessionPlace;
  readonly #scope: ScopeSigner;
  readonly #spool: InsertSpool;
  readonly #direct = new Semaphore(DIRECT);
  readonly #streams: Readonly<Record<'admin' | 'reader' | 'nobody', QueryPool>>;

  /** @param onStuck called when no thread is left that could run a tenant's query */
  constructor(
    place: SessionPlace,
    scope: ScopeSigner,
    spool: InsertSpool,
    readers: number,
    onStuck: (reason: string) => void,
  ) {
    this.#place = place;
    this.#scope = scope;
    this.#spool = spool;
    const pool = (size: number): QueryPool => new QueryPool(place, { size, maxWaiting: MAX_WAITING });
    this.#streams = { admin: pool(ADMIN_STREAMS), reader: pool(readers), nobody: pool(PARSERS) };
    setInterval(() => {
      if (this.#streams.reader.isStuck(STUCK_MS))
        onStuck('every thread is held by a query that does not stop');
    }, 1_000).unref();
  }

  /**
   * Inserts a complete body. Once the body is complete, only `signal` ends the insert; a disconnect of the caller does
   * not.
   */
  async insert(
    statement: InsertStatement,
    body: Readable,
    setup: SessionSetup,
    signal: AbortSignal,
  ): Promise<StatementSummary> {
    const file = await this.#spool.write(body);
    try {
      const { rows, bytes } = await this.#run(insertFromFile(statement, file), 'Null', setup, signal);
      return { writtenRows: rows, writtenBytes: bytes };
    } catch (error) {
      throw aboutBody(error);
    } finally {
      await this.#spool.remove(file);
    }
  }

  /** Streams one SELECT as one document. `used` is called before this settles; for some formats in parts. */
  async stream(
    query: StreamingQuery,
    read: ChunkReader,
    signal: AbortSignal,
    used: (use: QueryUse) => void = () => {},
  ): Promise<void> {
    const pool = this.#streams[query.setup.role ?? 'admin'];
    if (chunkJoining(query.format).kind !== 'whole') return pool.run(query, read, signal, used);
    const file = this.#spool.create();
    try {
      await pool.run({ ...query, format: 'Native' }, (chunk) => file.append(chunk), signal, used);
      if (file.size > 0) {
        const { answer, elapsedMs } = await this.#convert(file.path, query, signal);
        used({ ...NOTHING_USED, elapsedMs });
        await read(answer);
      } else await pool.run(query, onlyChunk(read), signal, used);
    } finally {
      await this.#spool.remove(file.path);
    }
  }

  /** Converts spooled rows to one document. They are already a result, so no caller's code runs here. */
  async #convert(
    path: string,
    { format, setup }: StreamingQuery,
    signal: AbortSignal,
  ): Promise<DirectResult> {
    const comment = this.#scope.everybody();
    const asAdmin = { ...setup, params: [], database: undefined, role: undefined, comment };
    const sql = `SELECT * FROM file('${path}', Native)`;
    return this.#run(sql, format, asAdmin, signal);
  }

  /** Runs any other statement, with a complete answer. */
  async execute(sql: string, format: string, setup: SessionSetup, signal: AbortSignal): Promise<Uint8Array> {
    return (await this.#run(sql, format, setup, signal)).answer;
  }

  /** Asks the engine to stop the query in the session with this comment; it has stopped when its promise settles. */
  async kill(comment: string): Promise<void> {
    const setup = { settings: [], params: [], database: undefined, role: undefined };
    const session = await openSession(this.#place, { ...setup, comment: this.#scope.everybody() });
    try {
      await session.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${literal(comment)} ASYNC`);
    } finally {
      session.close();
    }
  }

  async #run(sql: string, format: string, setup: SessionSetup, signal: AbortSignal): Promise<DirectResult> {
    return this.#direct.run(async () => {
      if (signal.aborted) throw new EngineException(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled');
      const session = await openSession(this.#place, setup);
      try {
        const result = await session.queryAsync(sql, { format });
        const { rowsRead: rows, bytesRead: bytes, elapsed } = result;
        return { answer: result.bytes(), rows, bytes, elapsedMs: elapsed * 1000 };
      } finally {
        // At once, also after a failure: until then the engine keeps the failed query in its process list.
        session.close();
      }
    });
  }
}

/** An answer without rows has one chunk, which is the whole document. */
function onlyChunk(read: ChunkReader): ChunkReader {
  let isFirst = true;
  return (chunk) => {
    if (!isFirst) throw new EngineException(236, 'ABORTED', 'The answer changed while it was written');
    isFirst = false;
    return read(chunk);
  };
}

interface DirectResult {
  readonly answer: Uint8Array;
  /** The written rows of an insert; chDB reports them as rows read. */
  readonly rows: number;
  readonly bytes: number;
  /** The engine's own time. */
  readonly elapsedMs: number;
}

/** Rewrites an insert error as if the data had been in the request: the file is an internal detail. */
function aboutBody(thrown: unknown): EngineException {
  const { number, code, message } = EngineException.from(thrown);
  const text = message
    .replace(/\(in file\/uri [^)]*\): /, '')
    .replace(/: data for INSERT was parsed from file\.?$/, '');
  return new EngineException(number, code, text);
}

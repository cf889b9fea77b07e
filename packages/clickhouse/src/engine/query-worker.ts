/**
 * A thread that runs one streaming SELECT at a time. Starting a stream blocks its JavaScript thread (scalar subqueries
 * run then), which is harmless in this thread. The thread is never terminated during a query: that would abort the
 * process.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Session } from 'chdb';
import type { QueryUse } from '../query-use.js';
import { chunkJoining, withoutHeader } from './chunk-format.js';
import { EngineException } from './engine-exception.js';
import { openSessionSync, type SessionPlace, type SessionSetup } from './engine-sessions.js';
import { ProcessList } from './process-list.js';
import { QueryMeter } from './query-meter.js';

/** Messages to the thread. */
export type ToQueryWorker =
  | { readonly type: 'run'; readonly job: number; readonly query: StreamingQuery }
  /** The last chunk was read: continue. */
  | { readonly type: 'next'; readonly job: number }
  /** The reader has disconnected. */
  | { readonly type: 'stop'; readonly job: number };

/** Messages from the thread. */
export type FromQueryWorker =
  | { readonly type: 'chunk'; readonly job: number; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly job: number; readonly used: QueryUse }
  | { readonly type: 'failed'; readonly job: number; readonly used: QueryUse; readonly text: string };

/** One SELECT. Plain data. */
export interface StreamingQuery {
  readonly sql: string;
  readonly format: string;
  readonly setup: SessionSetup;
  /**
   * The comment of a session that may see running queries, used to measure the query. Default: only its time is
   * measured.
   */
  readonly watchedAs?: string;
}

if (parentPort !== null) serve(parentPort);

function serve(port: NonNullable<typeof parentPort>): void {
  // Written by QueryPool, which starts this thread.
  const place = workerData as SessionPlace;
  let resume: ((goOn: boolean) => void) | undefined;
  let current = 0;
  let processes: ProcessList | undefined;
  let kept: { readonly key: string; readonly session: Session } | undefined;
  const send = (message: FromQueryWorker, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);

  async function run(job: number, query: StreamingQuery, meter: QueryMeter): Promise<void> {
    const session = open(query.setup);
    const joining = chunkJoining(query.format);
    let isFirst = true;
    try {
      const stream = meter.call(() => session.queryStream(query.sql, { format: query.format }));
      for await (const chunk of metered(stream, meter)) {
        const raw =
          joining.kind === 'header' && !isFirst ? withoutHeader(chunk.raw(), joining.header) : chunk.raw();
        isFirst = false;
        // A chunk that shares its memory must be copied before it is transferred to another thread.
        const whole = raw.byteLength === raw.buffer.byteLength && raw.buffer instanceof ArrayBuffer;
        const bytes = whole ? raw : raw.slice();
        const taken = new Promise<boolean>((resolve) => {
          resume = resolve;
        });
        send({ type: 'chunk', job, bytes }, bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : []);
        meter.blockCame();
        if (!(await taken)) {
          meter.willClose();
          break;
        }
      }
    } catch (error) {
      meter.willClose();
      throw error;
    } finally {
      if (session !== kept?.session) session.close();
    }
  }

  function meterOf({ watchedAs, setup }: StreamingQuery): QueryMeter {
    if (watchedAs === undefined) return new QueryMeter();
    // The comment stays the same while the engine runs.
    processes ??= new ProcessList(place, watchedAs);
    const list = processes;
    return new QueryMeter(() => list.used(setup.comment));
  }

  /** Opens the session. A session without rights is reused for parsed texts, because a text cannot change its state. */
  function open(setup: SessionSetup): Session {
    if (setup.role !== 'nobody') return openSessionSync(place, setup);
    const key = JSON.stringify(setup);
    if (kept?.key !== key) {
      kept?.session.close();
      kept = { key, session: openSessionSync(place, setup) };
    }
    return kept.session;
  }

  port.on('message', (message: ToQueryWorker) => {
    if (message.type !== 'run') {
      if (message.job === current) resume?.(message.type === 'next');
      return;
    }
    const { job, query } = message;
    current = job;
    resume = undefined;
    const meter = meterOf(query);
    run(job, query, meter).then(
      () => send({ type: 'done', job, used: meter.used() }),
      (error: unknown) =>
        send({ type: 'failed', job, used: meter.used(), text: EngineException.from(error).text }),
    );
  });
}

/** The chunks of a stream; measures the engine's time for each. */
async function* metered<T>(stream: AsyncIterable<T>, meter: QueryMeter): AsyncGenerator<T, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await meter.wait(() => chunks.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

import { takeTurn } from '@weir/base';
import type { MsgEntry, Subscriber } from '@weir/channel';
import { problemMembers } from '../http/problem.js';
import { problemOf } from '../http/problem-of.js';
import { endDocument, messageDocument, type PayloadForm } from './message-document.js';

/** Silence after which a comment is sent, so that intermediaries do not close the connection as idle. */
const HEARTBEAT_MS = 15_000;
/** How long a client waits before it reconnects. */
const RETRY_MS = 1_000;
/** Text created in one turn of the event loop. */
const CHUNK = 256 * 1024;

/** The parts of an event stream. */
export interface EventStream {
  readonly subscriber: Subscriber;
  readonly form: PayloadForm;
  /** The owner (a project) that shares the event loop fairly with others. */
  readonly owner: string;
  /** Called with the number of messages sent. */
  readonly onDelivered: (count: number) => void;
}

/**
 * A subscription as an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html): messages with
 * their index as id, then `closed`, or `error` with a problem. The next text is created only after the client has taken
 * the previous one.
 */
export async function* eventStream({
  subscriber,
  form,
  owner,
  onDelivered,
}: EventStream): AsyncGenerator<string> {
  // An id without data sets the last event id too: a client that disconnects before the first message resumes here.
  yield `retry: ${RETRY_MS}\nid: ${subscriber.cursor}\n\n`;
  const frames = subscriber[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = frames.next();
      while (!(await isWithin(next, HEARTBEAT_MS))) yield ': still here\n\n';
      const { value: frame } = await next;
      // The client disconnected, or the server stops.
      if (frame === undefined) return;
      if (frame.type === 'closed') {
        yield `event: closed\ndata: ${JSON.stringify(endDocument(frame))}\n\n`;
        return;
      }
      onDelivered(frame.entries.length);
      for (const text of textOf(frame.entries, form)) {
        yield text;
        // A frame is small unless it has one large message; only then is the text created in several pieces.
        if (text.length >= CHUNK) await takeTurn(owner);
      }
    }
  } catch (error) {
    const problem = problemOf(error);
    const { status, code, message: detail } = problem;
    // An unexpected error: break the connection, so that the error is logged.
    if (status === 500) throw error;
    yield `event: error\ndata: ${JSON.stringify({ code, status, detail, ...problemMembers(problem) })}\n\n`;
  } finally {
    subscriber.close();
  }
}

function* textOf(entries: readonly MsgEntry[], form: PayloadForm): Generator<string> {
  let text = '';
  for (const entry of entries) {
    text += `id: ${entry.index}\ndata: ${JSON.stringify(messageDocument(entry, form))}\n\n`;
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Whether a promise settles within a time. */
async function isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  return await Promise.race([settled, late]).finally(() => clearTimeout(timer));
}

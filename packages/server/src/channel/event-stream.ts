import { takeTurn } from '@weir/base';
import type { MsgEntry, Subscriber } from '@weir/channel';
import { problemMembers } from '../http/problem.js';
import { problemOf } from '../http/problem-of.js';
import { endDocument, messageDocument, type PayloadForm } from './message-document.js';

/** Silence after which a comment is sent, so that nothing between takes the connection for dead. */
const HEARTBEAT_MS = 15_000;
/** How soon a client comes back whose connection broke. */
const RETRY_MS = 1_000;
/** Text that is made at once. */
const CHUNK = 256 * 1024;

/** What an event stream is made of. */
export interface EventStream {
  readonly subscriber: Subscriber;
  readonly form: PayloadForm;
  /** In whose turns of the event loop the text is made: a project. */
  readonly owner: string;
  /** Told how many messages are on their way. */
  readonly onDelivered: (count: number) => void;
}

/**
 * A subscription as an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html): messages with their
 * index as id, then `closed`, or `error` with a problem. Nothing is made before its client has taken what came before.
 */
export async function* eventStream({
  subscriber,
  form,
  owner,
  onDelivered,
}: EventStream): AsyncGenerator<string> {
  // An id without data is remembered all the same: who is cut off before the first message goes on from here.
  yield `retry: ${RETRY_MS}\nid: ${subscriber.cursor}\n\n`;
  const frames = subscriber[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = frames.next();
      while (!(await isWithin(next, HEARTBEAT_MS))) yield ': still here\n\n';
      const { value: frame } = await next;
      // Whoever subscribed has left, or the server stops.
      if (frame === undefined) return;
      if (frame.type === 'closed') {
        yield `event: closed\ndata: ${JSON.stringify(endDocument(frame))}\n\n`;
        return;
      }
      onDelivered(frame.entries.length);
      for (const text of textOf(frame.entries, form)) {
        yield text;
        // A frame is small but for one large message: only then is more than one text made of it.
        if (text.length >= CHUNK) await takeTurn(owner);
      }
    }
  } catch (error) {
    const problem = problemOf(error);
    const { status, code, message: detail } = problem;
    // Nobody foresaw it: the connection breaks, and the log says why.
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

/** Whether something is settled within a time. */
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

/**
 * Turns of the event loop for readers of stored data.
 *
 * A read of an embedded store is synchronous: `await log.read()` never leaves the microtask queue, so that a loop over
 * history stops every other task of the process until it ends. A `Slice` bounds one loop that works long at a time.
 * Readers are the other case: thousands of them, each of which works briefly and often. As many as fit share a turn of the
 * event loop, and the others wait in line. Each owner gets the same share, however many readers it has.
 */
import { hasRoom, type Owner } from './turns.js';

/** Waiting readers by owner; the owner whose turn is next is first. */
const waiting = new Map<Owner, Set<() => void>>();
/** As all readers: it is never queued itself. */
const READERS = {};
let isGranting = false;
let isDue = false;

/**
 * Resolves when the reader may work on its next portion, and at once when the signal aborts. The portion is what the reader
 * does until it next waits for I/O, a timer or another turn. Keep it small: a page of at most a few hundred KiB.
 *
 * ```ts
 * for (;;) {
 *   await takeTurn(projectId, signal);
 *   if (signal.aborted) return;
 *   send(await log.read(stream, { after, maxBytes: 128 * 1024 }));
 * }
 * ```
 * @param owner which share the reader belongs to, such as the id of a project
 */
export function takeTurn(owner: Owner, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const readers = waiting.get(owner) ?? new Set();
    waiting.set(owner, readers);
    const go = (): void => {
      signal?.removeEventListener('abort', go);
      readers.delete(go);
      if (readers.size === 0 && waiting.get(owner) === readers) waiting.delete(owner);
      resolve();
    };
    readers.add(go);
    signal?.addEventListener('abort', go);
    grant(false);
  });
}

/**
 * Lets a reader work if the turn has room.
 * @param isFirst of this turn of the event loop: one reader works in each, however much other work there is
 */
function grant(isFirst: boolean): void {
  if (isGranting || waiting.size === 0) return;
  if (isFirst || (!isDue && hasRoom(READERS))) {
    isGranting = true;
    queueMicrotask(letNextWork);
  } else if (!isDue) {
    isDue = true;
    setImmediate(() => {
      isDue = false;
      grant(true);
    });
  }
}

/**
 * Node runs ticks when no microtask is left. By then the reader has done its portion, and the time that it took is known
 * before the next one begins.
 */
function letNextWork(): void {
  const [first] = waiting;
  if (first !== undefined) {
    const [owner, readers] = first;
    const [go] = readers;
    go?.();
    if (readers.size > 0) {
      // Set again, the owner moves to the end of the rotation.
      waiting.delete(owner);
      waiting.set(owner, readers);
    }
  }
  process.nextTick(() => {
    isGranting = false;
    grant(false);
  });
}

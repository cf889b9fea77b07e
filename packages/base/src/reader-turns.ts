/**
 * Turns of the event loop for readers of stored data.
 *
 * A read of an embedded store is synchronous: `await log.read()` never leaves the microtask queue, so a loop over
 * history blocks every other task of the process until it ends. A `Slice` bounds one loop with long work. Readers are
 * the other case: thousands of them, each with short and frequent work. As many as fit share a turn of the event loop,
 * and the others queue. Each owner gets the same share, for any number of readers.
 */
import { hasRoom, type Owner } from './turns.js';

/** Waiting readers by owner; the next owner is first. */
const waiting = new Map<Owner, Set<() => void>>();
/** The common owner of all readers; it is never queued itself. */
const READERS = {};
let isGranting = false;
let isDue = false;

/**
 * Resolves when the reader may process its next portion, and at once when the signal aborts. A portion is the work
 * until the reader next waits for I/O, a timer or another turn. Keep it small: a page of at most a few hundred KiB.
 *
 * ```ts
 * for (;;) {
 *   await takeTurn(projectId, signal);
 *   if (signal.aborted) return;
 *   send(await log.read(stream, { after, maxBytes: 128 * 1024 }));
 * }
 * ```
 * @param owner whose share the reader uses, such as the id of a project
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
 * @param isFirst in this turn of the event loop: one reader works in each turn, regardless of other work
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
 * Node runs ticks when no microtask is left. By then the reader has finished its portion, and its time is known before
 * the next one begins.
 */
function letNextWork(): void {
  const [first] = waiting;
  if (first !== undefined) {
    const [owner, readers] = first;
    const [go] = readers;
    go?.();
    if (readers.size > 0) {
      // Inserted again, the owner moves to the end of the rotation.
      waiting.delete(owner);
      waiting.set(owner, readers);
    }
  }
  process.nextTick(() => {
    isGranting = false;
    grant(false);
  });
}

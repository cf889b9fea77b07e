/**
 * Shares the event loop among clients. Work that may be long runs in slices, and one turn of the loop runs about
 * {@link TURN_MS} of them: without a common bound, the slices of a hundred clients that arrive together
 * would still add up to one long turn. Work that finds its turn used up waits; the queues of the owners (a connection,
 * a project) are served in rotation, so that a client with a thousand waiting slices delays another one by a single slice.
 *
 * The state belongs to the module because a thread has exactly one event loop.
 */

/** What waiting work belongs to: a connection object, or an id such as that of a project. */
export type Owner = string | object;

/** How long the work of one turn of the event loop may take before further work waits, milliseconds. */
export const TURN_MS = 10;

interface Waiting {
  readonly run: () => void;
  /** Whether `run` resumes an async function, whose slice runs after `run` has returned. */
  readonly isSlice: boolean;
}

/** The owners in order of rotation, each with its work in order of arrival. */
const queues = new Map<Owner, Waiting[]>();
let isServing = false;
let turnEnd = Number.NEGATIVE_INFINITY;
let hasTurn = false;

/**
 * Whether work of this owner may begin in the current turn. If not, pass it to {@link later} or await {@link nextTurn}.
 * @param now `performance.now()`
 */
export function hasRoom(owner: Owner, now = performance.now()): boolean {
  if (!hasTurn) {
    hasTurn = true;
    turnEnd = now + TURN_MS;
    setImmediate(endTurn);
  }
  return now < turnEnd && !queues.has(owner);
}

/** Runs short synchronous work in a later turn of the event loop. `run` must not throw. */
export function later(owner: Owner, run: () => void): void {
  enqueue(owner, { run, isSlice: false });
}

/** Resolves in a later turn of the event loop: sockets were read and timers have run. The caller then works for one slice. */
export function nextTurn(owner: Owner = ''): Promise<void> {
  return new Promise((resolve) => enqueue(owner, { run: resolve, isSlice: true }));
}

function enqueue(owner: Owner, waiting: Waiting): void {
  const queue = queues.get(owner);
  if (queue === undefined) queues.set(owner, [waiting]);
  else queue.push(waiting);
  if (isServing) return;
  isServing = true;
  setImmediate(serve);
}

function endTurn(): void {
  hasTurn = false;
}

function serve(): void {
  isServing = false;
  // The event loop polls its sockets after this: what arrives there counts towards the same turn.
  hasTurn = true;
  turnEnd = performance.now() + TURN_MS;
  setImmediate(endTurn);
  for (const [owner, queue] of queues) {
    const next = queue.shift();
    queues.delete(owner);
    // Set again, the owner moves to the end of the rotation.
    if (queue.length > 0) queues.set(owner, queue);
    next?.run();
    if (next?.isSlice === true || performance.now() >= turnEnd) break;
  }
  if (queues.size === 0 || isServing) return;
  isServing = true;
  setImmediate(serve);
}

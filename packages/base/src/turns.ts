/**
 * Shares the event loop among clients. Long work runs in slices, and one turn of the loop runs about {@link TURN_MS} of
 * them: without a common limit, the slices of a hundred clients that arrive together would still add up to one long
 * turn. Work that finds its turn used up waits. The queues of the owners (a connection, a project) are served in
 * rotation, so that a client with a thousand waiting slices delays another one by a single slice.
 *
 * Turns are short because libuv accepts one connection in each: with turns of 10 ms, the last of 200 clients that
 * connect at once would wait for two seconds.
 *
 * The state belongs to the module because a thread has exactly one event loop.
 */

/** The owner of waiting work: a connection object, or an id such as that of a project. */
export type Owner = string | object;

/** How long the work of one turn of the event loop may take before further work waits, milliseconds. */
export const TURN_MS = 3;

/** The owners in order of rotation, each with its work in order of arrival. */
const queues = new Map<Owner, (() => void)[]>();
/** Whether {@link serve} is scheduled or running. */
let isServing = false;
let turnEnd = Number.NEGATIVE_INFINITY;
let hasTurn = false;
/** Number of finished turns. */
let turns = 0;
/** Until then, arriving connections are accepted before waiting work continues. */
let arrivalsEnd = Number.NEGATIVE_INFINITY;
let hasArrival = false;

/**
 * Whether work of this owner may begin in the current turn. If not, pass it to {@link later} or await {@link nextTurn}.
 * @param now `performance.now()`
 */
export function hasRoom(owner: Owner, now = performance.now()): boolean {
  joinTurn(now);
  return now < turnEnd && !queues.has(owner);
}

/**
 * Number of the current turn. If it is the same at two points of some work, that work has not waited for timers,
 * sockets or files in between.
 */
export function turnNumber(): number {
  joinTurn(performance.now());
  return turns;
}

function joinTurn(now: number): void {
  if (hasTurn) return;
  hasTurn = true;
  turnEnd = now + TURN_MS;
  setImmediate(endTurn);
}

/** Runs short synchronous work in a later turn of the event loop. `run` must not throw. */
export function later(owner: Owner, run: () => void): void {
  const queue = queues.get(owner);
  if (queue === undefined) queues.set(owner, [run]);
  else queue.push(run);
  if (isServing) return;
  isServing = true;
  setImmediate(beginTurn);
}

/** Resolves in a later turn of the event loop: sockets were read and timers have run. The caller then works for one slice. */
export function nextTurn(owner: Owner = ''): Promise<void> {
  return new Promise((resolve) => later(owner, resolve));
}

/**
 * Reports that a connection was accepted: others may be waiting behind it. Waiting work then pauses for as long as it
 * has worked, or until no connection arrives.
 */
export function connectionArrived(): void {
  hasArrival = true;
}

function endTurn(): void {
  hasTurn = false;
  turns += 1;
}

function beginTurn(): void {
  const now = performance.now();
  if (hasArrival && now < arrivalsEnd) {
    hasArrival = false;
    setImmediate(beginTurn);
    return;
  }
  hasArrival = false;
  // The event loop polls its sockets after this: data that arrives there counts towards the same turn.
  hasTurn = true;
  turnEnd = now + TURN_MS;
  setImmediate(endTurn);
  queueMicrotask(serve);
}

/**
 * Runs the next work as a microtask. Work that resumes an async function continues in further microtasks; Node runs
 * ticks when none is left, so that {@link goOn} knows the total time.
 */
function serve(): void {
  const [first] = queues;
  if (first === undefined) {
    isServing = false;
    return;
  }
  const [owner, queue] = first;
  const run = queue.shift();
  queues.delete(owner);
  // Inserted again, the owner moves to the end of the rotation.
  if (queue.length > 0) queues.set(owner, queue);
  run?.();
  process.nextTick(goOn);
}

function goOn(): void {
  const now = performance.now();
  if (now < turnEnd) {
    queueMicrotask(serve);
    return;
  }
  arrivalsEnd = now + TURN_MS;
  if (queues.size === 0) isServing = false;
  else setImmediate(beginTurn);
}

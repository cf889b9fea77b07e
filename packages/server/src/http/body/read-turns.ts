/**
 * Reads and discards large bodies piece by piece, a few in each turn of the event loop. Node would read up to 2 MiB
 * from each connection in one turn, so hundreds of concurrent uploads would block the event loop. The state belongs to
 * the module, because a thread has exactly one event loop.
 */
import type { IncomingMessage } from 'node:http';

/** Bodies that are read in one turn of the event loop. */
const READ_A_TURN = 8;

const waiting: IncomingMessage[] = [];
let isDue = false;

/** Pauses a request until its next turn. */
export function readLater(request: IncomingMessage): void {
  request.pause();
  waiting.push(request);
  schedule();
}

function schedule(): void {
  if (isDue || waiting.length === 0) return;
  isDue = true;
  setImmediate(() => {
    isDue = false;
    for (const request of waiting.splice(0, READ_A_TURN)) request.resume();
    schedule();
  });
}

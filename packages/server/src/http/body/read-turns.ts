/**
 * Reads large bodies piece by piece, a few in each turn of the event loop, those that are kept and those that are dropped.
 * Node would read up to 2 MiB of each connection in one turn: hundreds of clients that upload at the same time would make it
 * long. The state belongs to the module because a thread has exactly one event loop.
 */
import type { IncomingMessage } from 'node:http';

/** Bodies of which a piece is read in one turn of the event loop. */
const READ_A_TURN = 8;

const waiting: IncomingMessage[] = [];
let isDue = false;

/** Reads nothing more of a request until its next turn. */
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

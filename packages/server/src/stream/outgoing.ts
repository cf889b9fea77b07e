import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Page } from '@weir/channel/stream';
import { lostRight } from '../feed/right-watch.js';
import { MemoryBudget, type MemoryShare } from '../http/memory-budget.js';
import { Problem } from '../http/problem.js';
import { whenDone } from '../http/when-done.js';

/** How long a client may take nothing of what is sent to it. */
const STALL_MS = 30_000;

/**
 * Memory of all answers that are on their way to readers.
 * @param maxBytes of all projects
 * @param maxBytesEach of one project
 */
export function outgoingMemory(maxBytes: number, maxBytesEach: number): MemoryBudget {
  const full = (): Problem =>
    new Problem('at_capacity', 'too many answers are on their way to readers', {
      hint: 'use fewer readers at a time, and read each answer to its end',
    });
  return new MemoryBudget({ maxBytes, maxBytesEach, full, ownerFull: full });
}

/** What an answer sends on, and with whose right. */
export interface OutgoingParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the answer takes of the budget of all; given back when it is over. */
  readonly share: MemoryShare;
  /** Whether its caller may have it still. */
  readonly isAllowed: () => Promise<boolean>;
  /** Default 30,000 ms. */
  readonly stallMs?: number;
}

/**
 * The content of one answer on its way to a client that may be slow: it is counted while it is held in memory, and who takes
 * nothing for half a minute, or lost the right to it and still has not taken it, is hung up on.
 */
export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #over = new AbortController();
  #isWatched = false;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    whenDone(parts.request, parts.response, () => {
      this.#over.abort();
      parts.share.release();
    });
  }

  /** Counts a page that is sent next. @throws Problem 429 `at_capacity` */
  hold({ payloads }: Page): void {
    this.#parts.share.take(payloads.reduce((sum, { byteLength }) => sum + byteLength, 0));
    this.#watch();
  }

  /** Resolves once the client has taken so much of what was written that there is room for more, or has left. */
  async taken(): Promise<void> {
    const { response } = this.#parts;
    // What was handed on is written by then; and between two pieces others have their turn.
    await setImmediate();
    const { signal } = this.#over;
    if (response.writableNeedDrain) await once(response, 'drain', { signal }).catch(() => undefined);
  }

  /** What was held has been taken. */
  release(): void {
    this.#parts.share.clear();
  }

  #watch(): void {
    if (this.#isWatched || this.#over.signal.aborted) return;
    this.#isWatched = true;
    const { response, isAllowed, stallMs = STALL_MS } = this.#parts;
    response.setTimeout(stallMs, () => response.destroy());
    lostRight(isAllowed, this.#over.signal).addEventListener('abort', () => {
      if (response.writableNeedDrain) response.destroy();
    });
  }
}

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Page } from '@weir/channel/stream';
import { lostRight } from '../feed/right-watch.js';
import { MemoryBudget, type MemoryShare } from '../http/memory-budget.js';
import { Problem } from '../http/problem.js';
import { whenDone } from '../http/when-done.js';

/** Maximum time in which a client reads nothing. */
const STALL_MS = 30_000;

/**
 * The memory of all answers in transit to readers.
 * @param maxBytes of all projects
 * @param maxBytesEach of one project
 */
export function outgoingMemory(maxBytes: number, maxBytesEach: number): MemoryBudget {
  const full = (): Problem =>
    new Problem('at_capacity', 'too many answers are in transit to readers', {
      hint: 'use fewer readers at a time, and read each answer completely',
    });
  return new MemoryBudget({ maxBytes, maxBytesEach, full, ownerFull: full });
}

/** Dependencies of an answer in transit. */
export interface OutgoingParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The answer's share of the budget; released when the answer ends. */
  readonly share: MemoryShare;
  /** Whether the caller still has the right to the answer. */
  readonly isAllowed: () => Promise<boolean>;
  /** Default 30,000 ms. */
  readonly stallMs?: number;
}

/**
 * The content of one answer in transit to a possibly slow client. Content is charged while it is in memory. A client
 * that reads nothing for half a minute is disconnected, as is one that lost its right and still has unread content.
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

  /** Charges the page that is sent next. @throws Problem 429 `at_capacity` */
  hold({ payloads }: Page): void {
    this.#parts.share.take(payloads.reduce((sum, { byteLength }) => sum + byteLength, 0));
    this.#watch();
  }

  /** Resolves once the client has read enough that there is room for more, or has disconnected. */
  async taken(): Promise<void> {
    const { response } = this.#parts;
    // After this turn the passed chunk is written; between two pieces other work gets its turn.
    await setImmediate();
    const { signal } = this.#over;
    if (response.writableNeedDrain) await once(response, 'drain', { signal }).catch(() => undefined);
  }

  /** Releases the charged content after the client has read it. */
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

import { MemoryBudget } from '../memory-budget.js';
import { Problem } from '../problem.js';

/**
 * The memory of all request bodies, of every route: received, unpacked and decoded data. An announced length is not
 * charged.
 * @param maxBytes of all bodies
 * @param maxBytesEach of one project or address
 * @param relieve ends an unfinished body (of one owner if given), and returns whether there was one
 */
export function bodyMemory(
  maxBytes: number,
  maxBytesEach: number,
  relieve: (owner?: string) => boolean,
): MemoryBudget {
  return new MemoryBudget({
    maxBytes,
    maxBytesEach,
    relieve,
    full: () =>
      new Problem(
        'ingest_full',
        `the memory for request bodies is full: they hold at most ${maxBytes} bytes`,
        {
          limit: maxBytes,
          hint: 'send again after the Retry-After seconds',
        },
      ),
    ownerFull: (limit) =>
      new Problem(
        'at_capacity',
        `the bodies of one project or address hold at most ${limit} bytes at a time`,
        {
          limit,
          hint: 'send fewer or smaller bodies at a time',
        },
      ),
  });
}

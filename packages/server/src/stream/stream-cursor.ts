import { randomInt } from 'node:crypto';

const EPOCH = Date.UTC(2024, 9, 9);
const INTERVAL_MS = 20_000;
/** In intervals; together an hour. */
const MAX_JITTER = 180;

/**
 * The cursor of a live answer: the number of the current interval, or one above the client's cursor, so that no cache
 * answers a client with the same response forever (Durable Streams protocol, section 8.1).
 * @param given the cursor of the client; anything but a number is ignored
 * @param now unix milliseconds
 */
export function nextCursor(given: string | undefined, now: number): string {
  const current = Math.floor((now - EPOCH) / INTERVAL_MS);
  const known = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : -1;
  return String(known >= current ? known + randomInt(1, MAX_JITTER + 1) : current);
}

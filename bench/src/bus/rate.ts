import { setTimeout as sleep } from 'node:timers/promises';

/** So many a second, for so long. */
export interface Rate {
  readonly perSecond: number;
  readonly seconds: number;
}

const STEP_MS = 2;

/** Calls `send` with how many are due now, evenly; catches up with what a busy machine held up. */
export async function atRate({ perSecond, seconds }: Rate, send: (count: number) => void): Promise<void> {
  const start = performance.now();
  let sent = 0;
  for (;;) {
    const elapsed = performance.now() - start;
    const due = Math.floor((Math.min(elapsed, seconds * 1_000) / 1_000) * perSecond);
    if (due > sent) send(due - sent);
    sent = due;
    if (elapsed >= seconds * 1_000) return;
    await sleep(STEP_MS);
  }
}

/** Epoch milliseconds with fractions, the same clock in every process. */
export const now = (): number => performance.timeOrigin + performance.now();

/** An event's document: about 300 bytes, with when it was made. */
export function documentText(n: number): string {
  return `{"event":"bench","event_id":"${n}","user_id":"u${n % 100}","at":${now()},"properties":{"path":"/products/${n}","referrer":"https://example.com/","plan":"pro","seats":5,"text":"${'x'.repeat(120)}"}}`;
}

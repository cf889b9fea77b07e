import { setTimeout as sleep } from 'node:timers/promises';

const WORDS = 'water that nobody measures is water that nobody has and so a low dam is built'.split(' ');

/**
 * Tokens of an answer, one after the other.
 * @param tokens how many; a model knows that as little as its listener
 * @param pauseMs between two
 */
export async function* answer(
  question: string,
  {
    tokens,
    pauseMs,
    signal,
  }: { readonly tokens: number; readonly pauseMs: number; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  yield `You ask: ${question}\n`;
  for (let i = 0; i < tokens; i += 1) {
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    yield `${WORDS[i % WORDS.length]} `;
  }
}

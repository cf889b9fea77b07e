/** External causes that end a consumer: signals, standard input, a closed output pipe. */
import { fstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Stop } from '@weir/event/consume';
import type { CliContext } from '../invocation.js';

/**
 * Ends `stop` on SIGINT, SIGTERM and a broken pipe. A second signal has its default effect.
 * @returns removes the handlers
 */
export function watchSignals(stop: Stop, context: CliContext): () => void {
  const onSignal = () => {
    forgetSignals();
    stop.end('signal');
  };
  const forgetSignals = () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  context.onBrokenPipe?.(() => stop.end('signal'));
  return forgetSignals;
}

// Node reports a closed pipe within the first turns of the event loop, after its last data was read.
const FIRST_TURNS = 5;
const FIRST_MS = 20;

/**
 * Ends `stop` when standard input ends, such as when the parent that holds the pipe dies, unless it is a terminal. An
 * end that exists at the start is ignored, because cron, systemd, `nohup` and containers start services this way.
 * @param warn called once for an ignored end
 * @returns removes the handlers
 */
export async function watchInput(
  stop: Stop,
  { stdin }: CliContext,
  warn: (line: string) => void,
): Promise<() => void> {
  if (stdin.isTTY === true) return () => {};
  let hasEnded = stdin.readableEnded;
  let onEnd = () => {
    hasEnded = true;
  };
  const ended = () => onEnd();
  // Discard the data; the stream must be read for its end to be detected.
  stdin.once('end', ended).once('close', ended).once('error', ended).resume();
  if (!isEndless(stdin)) hasEnded = true;
  const begun = performance.now();
  for (let turn = 0; !hasEnded && (turn < FIRST_TURNS || performance.now() - begun < FIRST_MS); turn += 1)
    await setImmediate();
  if (hasEnded) {
    warn('standard input had ended at the start: its end does not end this consumer, SIGTERM does');
    onEnd = () => {};
  } else onEnd = () => stop.end('stdin');
  return () => void stdin.off('end', ended).off('close', ended).off('error', ended).pause();
}

/** True if standard input is a pipe or a socket, which another process holds open; files and `/dev/null` end at once. */
function isEndless(stdin: object): boolean {
  if (!('fd' in stdin) || typeof stdin.fd !== 'number') return true;
  const stat = fstatSync(stdin.fd);
  return stat.isFIFO() || stat.isSocket();
}

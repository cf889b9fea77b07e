/** What ends a consumer from outside: signals, standard input, a reader that has gone. */
import { fstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Stop } from '@weir/event/consume';
import type { CliContext } from '../invocation.js';

/**
 * Ends `stop` by SIGINT and SIGTERM, and by a broken pipe. A second signal is left to the system.
 * @returns takes it back
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

/** A pipe that has ended says so in the first turns of the event loop, its last data read. */
const FIRST_TURNS = 5;
const FIRST_MS = 20;

/**
 * Ends `stop` by the end of standard input, as when the parent that holds a pipe dies, unless that is a terminal. An end
 * that is there at the start is ignored: cron, systemd, `nohup` and containers start services so.
 * @param warn told once of an end that is ignored
 * @returns takes it back
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
  // What is written to it means nothing; it has to be read for its end to be seen.
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

/** Whether standard input is a pipe or a socket, which another process holds open: files and `/dev/null` end at once. */
function isEndless(stdin: object): boolean {
  if (!('fd' in stdin) || typeof stdin.fd !== 'number') return true;
  const stat = fstatSync(stdin.fd);
  return stat.isFIFO() || stat.isSocket();
}

/** What ends a consumer from outside: signals, standard input, a reader that has gone. */
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

/**
 * Ends `stop` by the end of standard input, unless that is a terminal: a parent that dies closes it, and nobody would end
 * the consumer then.
 * @returns takes it back
 */
export function watchInput(stop: Stop, { stdin }: CliContext): () => void {
  const onEnd = () => stop.end('stdin');
  if (stdin.isTTY !== true) {
    // What is written to it means nothing; it has to be read for its end to be seen.
    stdin.once('end', onEnd).once('close', onEnd).once('error', onEnd).resume();
    if (stdin.readableEnded) onEnd();
  }
  return () => void stdin.off('end', onEnd).off('close', onEnd).off('error', onEnd).pause();
}

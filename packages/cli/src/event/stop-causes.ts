/** What ends a consumer from outside: signals, standard input, a reader that has gone. */
import type { Stop } from '@weir/event/consume';
import type { CliContext } from '../invocation.js';

/**
 * Ends `stop` by SIGINT and SIGTERM, by a broken pipe, and by the end of standard input where that is the only bound: a
 * parent that dies closes it, and nobody would end the consumer then. A second signal is left to the system.
 * @param isBounded whether it ends by itself
 * @returns takes all of it back
 */
export function watchStopCauses(stop: Stop, context: CliContext, isBounded: boolean): () => void {
  const onSignal = () => {
    forgetSignals();
    stop.end('signal');
  };
  const forgetSignals = () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  context.onBrokenPipe?.(() => stop.end('signal'));
  const { stdin } = context;
  const onEnd = () => stop.end('stdin');
  if (!isBounded && stdin.isTTY !== true) {
    // What is written to it means nothing; it has to be read for its end to be seen.
    stdin.once('end', onEnd).once('close', onEnd).once('error', onEnd).resume();
    if (stdin.readableEnded) onEnd();
  }
  return () => {
    forgetSignals();
    stdin.off('end', onEnd).off('close', onEnd).off('error', onEnd).pause();
  };
}

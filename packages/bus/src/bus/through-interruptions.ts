import { pause } from '@weir/base';
import { type ConsumeError, SourceInterrupted } from '@weir/event/source';
import type { BusLimits } from './bus-limits.js';
import { OutageBackoff } from './outage-backoff.js';

/** Options of {@link throughInterruptions}. */
export interface Interruptions {
  readonly limits: BusLimits;
  readonly signal: AbortSignal;
  readonly onState: (state: 'connected' | 'disconnected' | 'reconnecting', reason?: string) => void;
  /** Creates the error for an outage longer than `outageMs`. */
  readonly unreachable: (cause: SourceInterrupted) => ConsumeError;
}

/**
 * Repeats a call until it does not fail with SourceInterrupted; undefined once the signal has aborted. Other errors
 * propagate.
 */
export async function throughInterruptions<T>(
  work: () => Promise<T>,
  { limits, signal, onState, unreachable }: Interruptions,
): Promise<T | undefined> {
  let backoff: OutageBackoff | undefined;
  while (!signal.aborted) {
    try {
      const result = await work();
      onState('connected');
      return result;
    } catch (error) {
      if (signal.aborted || !(error instanceof SourceInterrupted)) throw error;
      onState('disconnected', error.message);
      backoff ??= new OutageBackoff(limits);
      const waitMs = backoff.next(error);
      if (backoff.ageMs + waitMs > limits.outageMs) throw unreachable(error);
      await pause(waitMs, signal);
      if (!signal.aborted) onState('reconnecting', error.message);
    }
  }
  return undefined;
}

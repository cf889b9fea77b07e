import type { Outcome } from './outcome.js';

// What programs read on standard error. A line's form never changes.

/** Told once: from here on, every event comes. */
export function readyLine(key: string): string {
  return `[event] ready event_key=${key}`;
}

/** The last line. */
export function exitedLine({ received, reason, elapsedMs }: Outcome): string {
  const seconds = Math.round(elapsedMs / 100) / 10;
  return `[event] exited — received ${received} event(s) in ${seconds}s (reason: ${reason})`;
}

/** Something that went wrong while the consumer goes on. */
export function warnLine(message: string): string {
  // What others wrote must not look like a line of ours.
  return `[event] WARN: ${message.replace(/[\r\n]+\s*/g, ' · ')}`;
}

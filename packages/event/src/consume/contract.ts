import type { Outcome } from './outcome.js';

// Lines on standard error that programs parse. Their format never changes.

/** Written once: every event from now on is received. */
export function readyLine(key: string): string {
  return `[event] ready event_key=${key}`;
}

/** The last line. */
export function exitedLine({ received, reason, elapsedMs }: Outcome): string {
  const seconds = Math.round(elapsedMs / 100) / 10;
  return `[event] exited — received ${received} event(s) in ${seconds}s (reason: ${reason})`;
}

/** Reports a problem while the consumer continues. */
export function warnLine(message: string): string {
  // Escape untrusted text so that it cannot forge a log line.
  return `[event] WARN: ${message.replace(/[\r\n]+\s*/g, ' · ')}`;
}

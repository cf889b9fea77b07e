// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';
import type { Entry, Log } from '../log.js';
import { LogError, type LogErrorCode } from '../log-error.js';

/** Access of the tests to an engine. */
export interface ConformanceHarness {
  /** A new, empty log. The clock is Unix milliseconds, for an engine that accepts one. */
  create(o: { readonly maxBytes?: number; readonly now: () => number }): Promise<Log>;
  /** Closes the log and reopens it; undefined for an engine without persistence. */
  readonly reopen:
    | ((log: Log, o: { readonly now: () => number; readonly maxBytes?: number }) => Promise<Log>)
    | undefined;
  destroy(): Promise<void>;
}

/** The fixture of a test: a fresh log, its clock, and a restart (a no-op without persistence). */
export interface Trial {
  log: Log;
  clock: number;
  readonly harness: ConformanceHarness;
  readonly now: () => number;
  makeHarness(): Promise<ConformanceHarness>;
  restart(): Promise<void>;
}

/** An entry with this text. */
export const bytes = (text: string): Uint8Array => Buffer.from(text);
/** The texts of entries. */
export const texts = (entries: readonly Entry[]): string[] =>
  entries.map((e) => Buffer.from(e.data).toString());
/** The offsets of entries. */
export const offsets = (entries: readonly Entry[]): number[] => entries.map((e) => e.offset);

/** Expects a LogError with this code and returns it. */
export async function refused(code: LogErrorCode, attempt: Promise<unknown>): Promise<LogError> {
  const error = await attempt.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LogError);
  if (!(error instanceof LogError)) throw error;
  expect(error.code).toBe(code);
  return error;
}

/** The next entries of a tail. */
export async function take(log: Log, stream: string, after: number, count: number): Promise<Entry[]> {
  const got: Entry[] = [];
  if (count === 0) return got;
  for await (const entry of log.tail(stream, { after, signal: AbortSignal.timeout(20_000) })) {
    got.push(entry);
    if (got.length === count) break;
  }
  return got;
}

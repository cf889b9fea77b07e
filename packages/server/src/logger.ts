import type { Writable } from 'node:stream';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import pretty from 'pino-pretty';

/** Creates the logger of the server: JSON lines on standard output, or readable lines on a terminal. */
export function createLogger(
  level: string,
  output: Writable & { readonly isTTY?: boolean } = process.stdout,
): Logger {
  const options: LoggerOptions = { level, base: null, serializers: { err: describeError } };
  if (output.isTTY !== true) return pino(options, output);
  const lines = pretty({ colorize: true, ignore: 'pid,hostname', singleLine: true, destination: output });
  // The cast holds: pino writes to the stream of pino-pretty.
  return pino({ ...options, formatters: { log: forPeople } }, lines as DestinationStream);
}

/** The fields of a usage record that a terminal shows: of thirty, those that distinguish requests. */
const SHOWN = ['tenant', 'stack', 'http_status', 'duration_ms', 'code', 'fuel'];

function forPeople(fields: Record<string, unknown>): Record<string, unknown> {
  const isUsageRecord = 'log_id' in fields && 'ended_at' in fields;
  if (!isUsageRecord) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => SHOWN.includes(name)));
}

/**
 * Describes an error for a log. An error of the relational store contains its SQL and values: only the underlying cause
 * is logged, at any depth.
 */
function describeError(thrown: unknown): object {
  if (!(thrown instanceof Error)) return { message: String(thrown) };
  if ('query' in thrown && thrown.cause instanceof Error) return describeError(thrown.cause);
  const code = 'code' in thrown && thrown.code !== undefined ? { code: thrown.code } : {};
  const cause = thrown.cause instanceof Error ? { cause: describeError(thrown.cause) } : {};
  return { type: thrown.name, message: thrown.message, ...code, ...cause, stack: framesOf(thrown) };
}

/** The stack of an error, without its message. */
function framesOf(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

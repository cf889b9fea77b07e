import { usageError } from '../cli-error.js';
import { parseDuration } from '../send/duration.js';
import { propertyOf } from '../send/event-of-options.js';

/** The options of a submission. */
export interface SubmissionOptions {
  readonly type?: string;
  readonly args?: string;
  /** `name=text` or `name:=JSON`. */
  readonly arg?: readonly string[];
  /** `name`, `name:direction` or `name:direction:retention`. */
  readonly channel?: readonly string[];
  readonly priority?: string;
  readonly maxWait?: string;
  readonly maxExec?: string;
  readonly maxRetries?: string;
  readonly idempotencyKey?: string;
}

/** The body of a submission. @throws CliError `usage` */
export function submissionOf(name: string, options: SubmissionOptions): object {
  const { type, args, arg, channel, priority, maxWait, maxExec, maxRetries, idempotencyKey } = options;
  if (args !== undefined && arg !== undefined) {
    throw usageError('--args and --arg exclude each other', 'Use one of them');
  }
  return {
    name,
    executor_type: type,
    args: args === undefined ? argumentsOf(arg) : parseJson(args, '--args'),
    channels: channel?.map(channelOf),
    priority: priority === undefined ? undefined : parseWhole(priority, '--priority'),
    max_wait_ms: maxWait === undefined ? undefined : parseDuration(maxWait, '--max-wait'),
    max_exec_ms: maxExec === undefined ? undefined : parseDuration(maxExec, '--max-exec'),
    max_retries: maxRetries === undefined ? undefined : parseWhole(maxRetries, '--max-retries'),
    idempotency_key: idempotencyKey,
  };
}

/** Parses JSON of an option. @throws CliError `usage` */
export function parseJson(text: string, option: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usageError(`${option} ${text}: is not JSON`, `A text is written ${option} '"like this"'`);
  }
}

/** Parses an integer of an option. @throws CliError `usage` */
export function parseWhole(text: string, option: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`${option} ${text}: must be a whole number`);
}

function argumentsOf(given: readonly string[] | undefined): object | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((one) => {
      const [name, json] = propertyOf(one, '--arg');
      return [name, JSON.parse(json) as unknown];
    }),
  );
}

/** Splits the option. The server validates names, directions and retentions, but could not detect a third colon. */
function channelOf(text: string): object {
  const [name, direction, retention, ...rest] = text.split(':');
  if (rest.length === 0)
    return { name, direction: direction || undefined, retention: retention || undefined };
  throw usageError(
    `--channel ${text}: must be name, name:direction or name:direction:retention`,
    'Write name, name:to_executor, or name:both:trim',
  );
}

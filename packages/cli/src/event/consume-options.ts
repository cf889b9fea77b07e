/** Parses the options of `weir event consume`. */

import { defined } from '@weir/base';
import type { OnSlow } from '@weir/bus/client';
import type { AuthType } from '@weir/event';
import { usageError } from '../cli-error.js';
import { parseDuration } from '../send/duration.js';

/** The options as typed. */
export interface ConsumeFlags {
  readonly param?: readonly string[];
  readonly jq?: string;
  readonly maxEvents?: string;
  readonly timeout?: string;
  readonly outputDir?: string;
  readonly exec?: string;
  readonly post?: string;
  readonly from?: string;
  readonly until?: string;
  readonly group?: string;
  readonly prefetch?: string;
  readonly execTimeout?: string;
  readonly failOnGap?: boolean;
  readonly onSlow?: OnSlow;
  readonly as?: AuthType;
  readonly keys?: string;
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
}

/** Destination of the events. */
export type SinkChoice =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'output_dir' | 'exec' | 'post'; readonly to: string };

/** Limits that end a consumer. */
export interface Bounds {
  readonly maxEvents?: number;
  /** Milliseconds after ready. */
  readonly timeoutMs?: number;
}

/** How a group's events are handled. */
export interface Work {
  /** Maximum of unacknowledged events; undefined selects the default of the sink. */
  readonly prefetch?: number;
  readonly execTimeoutMs?: number;
}

/** The selected sink. Throws CliError `usage` if there is more than one. */
export function sinkOf({ outputDir, exec, post }: ConsumeFlags): SinkChoice {
  const named = [
    ...(outputDir === undefined ? [] : [{ kind: 'output_dir' as const, to: outputDir }]),
    ...(exec === undefined ? [] : [{ kind: 'exec' as const, to: exec }]),
    ...(post === undefined ? [] : [{ kind: 'post' as const, to: post }]),
  ];
  if (named.length > 1) {
    throw usageError('events can go to one place only', 'Give one of --output-dir, --exec and --post');
  }
  const [one] = named;
  if (one?.to === '') throw usageError(`--${one.kind.replace('_', '-')} is empty`);
  return one ?? { kind: 'stdout' };
}

/** The limits of the run. Throws CliError `usage` if they are invalid. */
export function boundsOf({ maxEvents, timeout }: ConsumeFlags): Bounds {
  if (maxEvents !== undefined && !/^[1-9]\d{0,14}$/.test(maxEvents)) {
    throw usageError(`--max-events ${maxEvents}: must be a whole number from 1`);
  }
  const timeoutMs = durationOf('timeout', timeout);
  return {
    ...(maxEvents === undefined ? {} : { maxEvents: Number(maxEvents) }),
    ...defined({ timeoutMs }),
  };
}

/**
 * True if the run ends at the newest event of the start. Throws CliError `usage` for another end, and for options that
 * have no effect on such a run.
 */
export function isUntilNow({ until, group, onSlow }: ConsumeFlags): boolean {
  if (until === undefined) return false;
  if (until !== 'now')
    throw usageError(
      `--until ${until}: must be now`,
      'Write --until now to end with the newest event of the start; --timeout ends after a length of time',
    );
  if (group !== undefined)
    throw usageError(
      '--until now is not for groups: events of a group may come again later',
      'Leave --group out, or end the run with --max-events or --timeout',
    );
  if (onSlow !== undefined)
    throw usageError(
      '--on-slow has no effect with --until now: the events are read from the history as fast as they are handled',
      'Leave --on-slow out',
    );
  return true;
}

/** Options for a group's events. Throws CliError `usage` if they are invalid. */
export function workOf({ prefetch, execTimeout, exec, group }: ConsumeFlags): Work {
  if (prefetch !== undefined && group === undefined)
    throw usageError(
      '--prefetch is for the events of a group',
      'Give --group as well, or leave --prefetch out',
    );
  if (prefetch !== undefined && !/^([1-9]\d{0,2}|1000)$/.test(prefetch))
    throw usageError(`--prefetch ${prefetch}: must be a whole number from 1 to 1000`);
  if (execTimeout !== undefined && exec === undefined)
    throw usageError('--exec-timeout is for commands', 'Give --exec as well, or leave --exec-timeout out');
  const execTimeoutMs = durationOf('exec-timeout', execTimeout);
  return {
    ...(prefetch === undefined ? {} : { prefetch: Number(prefetch) }),
    ...defined({ execTimeoutMs }),
  };
}

/**
 * Start position: a duration, such as `1h`, is relative to `now` (epoch milliseconds).
 *
 * @param preset default if none is given
 */
export function placeOf(from: string | undefined, now: number, preset: 'latest' | 'earliest'): string {
  if (from === undefined || !/^\d+(ms|s|m|h|d)$/.test(from)) return from ?? preset;
  return new Date(now - parseDuration(from, '--from')).toISOString();
}

function durationOf(name: string, text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseDuration(text, `--${name}`);
  // A longer timer of Node overflows and fires at once.
  if (ms === 0 || (ms ?? 0) > 2 ** 31 - 1)
    throw usageError(`--${name} ${text}: must be between 1ms and 24 days`);
  return ms;
}

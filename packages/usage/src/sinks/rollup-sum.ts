import type { UsageEvent } from '@weir/extension';
import { billedEvents } from '../records/fuel.js';

/** Length of an RFC 3339 time up to its hour: `2026-11-21T16`. */
const HOUR_LENGTH = 13;

/** The sums that a batch adds to one row of `usage_rollup`, by column name. */
export interface RollupSum {
  readonly tenant: string;
  /** The start of an hour, RFC 3339. */
  readonly hour: string;
  readonly src: string;
  readonly stack: string;
  readonly node_id: string;
  requests: number;
  errors: number;
  denied: number;
  events: number;
  fuel: number;
  billable_fuel: number;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
  max_mem_bytes: number;
}

/** Sums records in the order of their rows, so that two writers of the same rows cannot deadlock. */
export function sumUp(events: Iterable<UsageEvent>): readonly RollupSum[] {
  const sums = new Map<string, RollupSum>();
  for (const event of events) {
    const hour = `${event.time.slice(0, HOUR_LENGTH)}:00:00.000Z`;
    // None of the values contains a tab.
    const key = `${event.tenant}\t${hour}\t${event.src}\t${event.stack}\t${event.nodeId}`;
    let sum = sums.get(key);
    if (sum === undefined) {
      sum = nothing(event, hour);
      sums.set(key, sum);
    }
    add(sum, event);
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sum]) => ({ ...sum, duration_ms: Math.round(sum.duration_ms) }));
}

function add(sum: RollupSum, event: UsageEvent): void {
  sum.requests += 1;
  if (event.status === 'error') sum.errors += 1;
  if (event.admissionDenied) sum.denied += 1;
  sum.events += billedEvents(event);
  sum.fuel += event.fuel;
  if (event.billable) sum.billable_fuel += event.fuel;
  sum.bytes_in += event.bytesIn;
  sum.bytes_out += event.bytesOut;
  sum.duration_ms += event.durationMs;
  sum.max_mem_bytes = Math.max(sum.max_mem_bytes, event.memBytes);
}

function nothing({ tenant, src, stack, nodeId }: UsageEvent, hour: string): RollupSum {
  return {
    tenant,
    hour,
    src,
    stack,
    node_id: nodeId,
    requests: 0,
    errors: 0,
    denied: 0,
    events: 0,
    fuel: 0,
    billable_fuel: 0,
    bytes_in: 0,
    bytes_out: 0,
    duration_ms: 0,
    max_mem_bytes: 0,
  };
}

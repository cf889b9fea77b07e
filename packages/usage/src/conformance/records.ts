import type { Sink, UsageEvent } from '@weir/extension';
// biome-ignore lint/correctness/noUndeclaredDependencies: only test files import this file
import { expect } from 'vitest';

const START = Date.UTC(2026, 0, 31, 23, 59, 50);
const SOURCES = ['http', 'ws', 'mcp', 'cron', 'compute'] as const;

/** The record with this number: deterministic, over hours and the end of a month, with and without optional fields. */
export function record(n: number): UsageEvent {
  const id = `0192f0c1-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const src = SOURCES[n % SOURCES.length] ?? 'http';
  const isDenied = n % 7 === 0 && src !== 'compute';
  return {
    id,
    logId: 'conformance',
    // The numbers of a log have gaps.
    seq: n * 3 + 1,
    time: new Date(START + n * 13).toISOString(),
    nodeId: 'node/ä 1',
    epoch: 'epoch-1',
    version: 1,
    rid: `rid "${n}" \\ ☃`,
    tenant: id,
    ...(n % 2 === 0 ? { principal: `key-${n}` } : {}),
    src,
    ...(src === 'compute' ? { parent: '0192f0c1-0000-7000-8000-00000000ffff' } : {}),
    stack: `query:POST /api/v1/projects/:id/query`,
    durationMs: n % 100,
    status: isDenied || n % 5 === 0 ? 'error' : 'ok',
    ...(n % 11 === 0 ? {} : { httpStatus: isDenied ? 429 : 200 }),
    bytesIn: n,
    bytesOut: n * 1_000_000,
    memBytes: src === 'compute' ? n * 1_000 : 0,
    fuel: src === 'compute' || isDenied ? 0 : 10,
    admissionDenied: isDenied,
    ...(isDenied ? { admissionReason: 'rate_limited' as const } : {}),
    billable: src !== 'compute' && !isDenied,
  };
}

/** Records from one number up to another (excluded). */
export function recordsOf(from: number, to: number): UsageEvent[] {
  return Array.from({ length: to - from }, (_, i) => record(from + i));
}

/** The ids of records. */
export const idsOf = (events: readonly UsageEvent[]): string[] => events.map(({ id }) => id);

/** Passes records as the server does: one after another without waiting, then waits for all. */
export async function give(sink: Pick<Sink, 'writeEvent'>, events: readonly UsageEvent[]): Promise<void> {
  await Promise.all(events.map((event) => sink.writeEvent(event)));
}

/**
 * Passes records to a sink whose backend is unavailable. Returns the number reported as stored; the others were
 * rejected.
 */
export async function tryToGive(
  sink: Pick<Sink, 'writeEvent'>,
  events: readonly UsageEvent[],
): Promise<number> {
  const outcomes = await Promise.allSettled(events.map(async (event) => sink.writeEvent(event)));
  const refused = outcomes.findIndex(({ status }) => status === 'rejected');
  return refused === -1 ? events.length : refused;
}

/** Passes records until all are stored, as the server does: again from the first rejected one, after a pause. */
export async function giveUntilKept(
  sink: Pick<Sink, 'writeEvent'>,
  events: readonly UsageEvent[],
  ms = 60_000,
): Promise<void> {
  const end = Date.now() + ms;
  for (let kept = 0; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    kept += await within(ms, tryToGive(sink, events.slice(kept)));
    if (kept === events.length) return;
    if (Date.now() > end) expect.fail(`the sink keeps nothing although its backend is there`);
  }
}

/** Expects work to settle within `ms` milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  const outcome = await Promise.race([work.then((value) => ({ value })), late]);
  clearTimeout(timer);
  if (outcome === 'late') expect.fail(`the sink took more than ${ms} ms`);
  return outcome.value;
}

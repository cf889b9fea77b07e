/** The output of `weir event consume --dry-run`. */
import type { Params } from '@weir/event';
import { type SourceSpec, withoutSecret } from '@weir/event/source';
import type { ConsumeJob } from './consume-job.js';
import type { ConsumeFlags } from './consume-options.js';

/** Describes the run; passwords in addresses are removed. */
export function planOf(job: ConsumeJob, { jq }: ConsumeFlags): object {
  const { prepared, source, directory, sink, bounds, from, isUntilNow, onSlow, group, work } = job;
  const { key, params, subscriptionId } = prepared;
  return {
    dry_run: true,
    event_key: key.key,
    params: shownParams(params, source),
    subscription_id: subscriptionId,
    source: shownSource(source),
    // No source can report whether these are enabled.
    preconditions: key.requiredConsoleEvents.map((event) => `switch on the event ${event} at the upstream`),
    bus: source === 'stdin' || isUntilNow ? null : directory.path,
    from,
    until: isUntilNow ? 'now' : null,
    group: group ?? null,
    prefetch: group === undefined ? null : (work.prefetch ?? null),
    on_slow: isUntilNow ? null : onSlow,
    jq: jq ?? null,
    sink,
    max_events: bounds.maxEvents ?? null,
    timeout_ms: bounds.timeoutMs ?? null,
  };
}

function shownSource(source: SourceSpec | 'stdin'): SourceSpec | 'stdin' {
  if (source === 'stdin' || source.kind !== 'nats') return source;
  return { ...source, servers: source.servers.map(withoutSecret) };
}

function shownParams(params: Params, source: SourceSpec | 'stdin'): Params {
  if (source === 'stdin' || source.kind !== 'nats') return params;
  const { servers } = source;
  const shown = (text: string) => (servers.includes(text) ? withoutSecret(text) : text);
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (typeof value === 'string') return [name, shown(value)];
      return [name, typeof value === 'object' ? value.map(shown) : value];
    }),
  );
}

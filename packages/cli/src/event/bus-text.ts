import { sanitize } from '../output/sanitize.js';
import { formatTable } from '../output/table.js';
import type { KnownBus } from './bus-control.js';

/** The JSON document of a bus. */
export function busDocument({ found, state, status }: KnownBus): object {
  const { directory, file } = found;
  return {
    state,
    directory: directory.path,
    server: file?.server ?? null,
    project: file?.project ?? null,
    pid: status?.pid ?? file?.pid ?? null,
    version: status?.version ?? file?.version ?? null,
    uptime_ms: status?.uptime_ms ?? null,
    sources: status?.sources ?? [],
    consumers: status?.consumers ?? [],
    more_consumers: status?.more_consumers ?? 0,
    log: directory.logFile,
  };
}

/** Formats a bus for people. */
export function busText({ found, state, status }: KnownBus): string {
  const { directory, file } = found;
  const what =
    file?.server === undefined ? 'sources of this machine' : `${file.server} ${file.project ?? ''}`;
  const head = `${state.padEnd(8)}  ${sanitize(what)}  pid ${status?.pid ?? file?.pid ?? '?'}  ${directory.path}`;
  if (status === undefined) return head;
  const seconds = Math.round(status.uptime_ms / 1_000);
  const sources = status.sources.map((one) => [
    one.source,
    one.state,
    one.last_event_time ?? 'no event yet',
    one.lag_ms === undefined ? '' : `${Math.round(one.lag_ms)} ms behind`,
    one.message ?? '',
  ]);
  const consumers = status.consumers.map((one) => [
    String(one.pid),
    one.event_key,
    one.group ?? '',
    one.on_slow,
    String(one.received),
    String(one.dropped),
    String(one.queued),
  ]);
  const more = status.more_consumers === undefined ? '' : `\nand ${status.more_consumers} more consumers`;
  return [
    `${head}\nrelease ${status.version}, up for ${seconds} s`,
    ...(sources.length === 0 ? [] : [formatTable(['source', 'state', 'last event', 'lag', ''], sources)]),
    ...(consumers.length === 0
      ? []
      : [formatTable(['pid', 'key', 'group', 'on slow', 'received', 'dropped', 'queued'], consumers)]),
  ]
    .join('\n')
    .concat(more);
}

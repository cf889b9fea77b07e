/**
 * What is kept of a process: its channels and who takes part in them. It is the last entry of a stream, so that a
 * change is one append. A process that was cleaned up is a stream that was removed: the log remembers its name.
 */
import type { Log } from '@weir/log';
import { type Channel, type Closed, channelOf } from './channel.js';
import type { ProcessLimits } from './limits.js';

/** A process as it is kept. */
export interface ProcessRecord {
  readonly channels: readonly Channel[];
  /** Whose share of the log its messages count towards. */
  readonly owner?: string;
  /** Where it has limits of its own. */
  readonly limits?: Partial<ProcessLimits>;
  readonly closed?: Closed;
  /** Set while it is being cleaned up: a crash in between must not leave an empty log to be read. */
  readonly gone?: true;
}

/** Where a process stands: as recorded, not known, or known to have been cleaned up. */
export type Standing = ProcessRecord | 'unknown' | 'gone';

const PREFIX = 'process:';

export async function readRecord(log: Log, processId: string): Promise<Standing> {
  const { last, entries } = await log.stats(PREFIX + processId);
  if (last === 0) return 'unknown';
  if (entries === 0) return 'gone';
  const [entry] = await log.read(PREFIX + processId, { after: last - 1, limit: 1 });
  if (entry === undefined) return 'gone';
  // The cast holds by writeRecord, which alone appends here.
  const record = JSON.parse(Buffer.from(entry.data).toString()) as ProcessRecord;
  return {
    ...record,
    channels: record.channels.map((channel) => ({
      ...channelOf({ ...channel, processId }, channel),
      ...(record.closed && { closed: record.closed }),
    })),
  };
}

/** Resolves when durable. */
export async function writeRecord(log: Log, processId: string, record: ProcessRecord): Promise<void> {
  const channels = record.channels.map(({ id, processId: _, closed, ...kept }) => kept);
  const { last } = await log.append(PREFIX + processId, [
    Buffer.from(JSON.stringify({ ...record, channels })),
  ]);
  // The change is made. Nobody reads what is before it, and the next change trims again.
  log.trim(PREFIX + processId, last).catch(() => undefined);
}

export async function removeRecord(log: Log, processId: string): Promise<void> {
  await log.remove(PREFIX + processId);
}

/** The ids of all processes that have channels. */
export async function recordedProcesses(log: Log): Promise<string[]> {
  return (await log.streams(PREFIX)).map((stream) => stream.slice(PREFIX.length));
}

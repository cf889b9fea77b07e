/**
 * The stored record of a process: its channels and their participants. It is the last entry of a log stream, so a
 * change is one append. Cleanup removes the stream; the log retains its name, which tells a removed process from an
 * unknown one.
 */
import type { Log } from '@weir/log';
import { type Channel, type Closed, channelOf } from './channel.js';
import type { ProcessLimits } from './limits.js';

/** The stored record of a process. */
export interface ProcessRecord {
  readonly channels: readonly Channel[];
  /** The owner whose share of the log its messages count towards. */
  readonly owner?: string;
  /** Set if the process has limits of its own. */
  readonly limits?: Partial<ProcessLimits>;
  readonly closed?: Closed;
  /** Set during cleanup, so that a crash in between does not leave a readable empty channel. */
  readonly gone?: true;
}

/** The record of a process; or `unknown`; or `gone` if it was cleaned up. */
export type Standing = ProcessRecord | 'unknown' | 'gone';

const PREFIX = 'process:';

export async function readRecord(log: Log, processId: string): Promise<Standing> {
  const { last, entries } = await log.stats(PREFIX + processId);
  if (last === 0) return 'unknown';
  if (entries === 0) return 'gone';
  const [entry] = await log.read(PREFIX + processId, { after: last - 1, limit: 1 });
  if (entry === undefined) return 'gone';
  // The cast holds: only writeRecord appends to this stream.
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
  // The change is durable. The trim only frees space: entries before the last are never read, and the next change trims
  // again.
  log.trim(PREFIX + processId, last).catch(() => undefined);
}

export async function removeRecord(log: Log, processId: string): Promise<void> {
  await log.remove(PREFIX + processId);
}

/** The ids of all processes that have channels. */
export async function recordedProcesses(log: Log): Promise<string[]> {
  return (await log.streams(PREFIX)).map((stream) => stream.slice(PREFIX.length));
}

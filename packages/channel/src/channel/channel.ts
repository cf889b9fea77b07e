import { ChannelError } from './channel-error.js';
import type { ChannelLimits, ProcessLimits } from './limits.js';

/** Who may write to a channel. */
export type Direction = 'both' | 'to_executor' | 'to_submitter';

/** What a full channel does with a message: `reject` it, or `trim` its oldest entries, which slow readers may miss. */
export type Retention = 'reject' | 'trim';

/** A channel that a process is submitted with. */
export interface ChannelSpec {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`, and not `.` or `..`, which are taken out of URLs on their way. */
  readonly name: string;
  /** Default `both`. */
  readonly direction?: Direction;
  /** Default `reject`. */
  readonly retention?: Retention;
  /** Default those of the process. */
  readonly limits?: Partial<ChannelLimits>;
}

/** Who takes part in a process, and what it may do. */
export interface ProcessInfo {
  /** 1 to 128 of `A-Z a-z 0-9 . : -`. */
  readonly processId: string;
  /** The credential that submitted. */
  readonly submitterId: string;
  /** The credential it is assigned to; default nobody. */
  readonly executorId?: string;
  /** Which assignment this is; default 0 without an executor, 1 with one. */
  readonly attempt?: number;
  /** The owner, such as a project, whose share of the log grows with its messages. Set by its first channels. Default: no owner. */
  readonly owner?: string;
  /** Kept with its first channels, whatever later ones say; default what the router's are at each use. */
  readonly processLimits?: Partial<ProcessLimits>;
}

/** What a channel is made of. */
export interface NewChannel extends ProcessInfo, ChannelSpec {}

/** Why and when a process closed. */
export interface Closed {
  readonly reason: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** A named message log of one process. */
export interface Channel {
  /** `<process>_<name>`. */
  readonly id: string;
  readonly processId: string;
  readonly name: string;
  readonly submitterId: string;
  /** Empty while nobody has the process. */
  readonly executorId: string;
  /** How often the process was assigned. */
  readonly attempt: number;
  readonly direction: Direction;
  readonly retention: Retention;
  readonly limits: Partial<ChannelLimits>;
  /** Set once the process has closed. */
  readonly closed?: Closed;
}

/** The channel that is made of this. */
export function channelOf(info: ProcessInfo, spec: ChannelSpec): Channel {
  const executorId = info.executorId ?? '';
  return {
    id: channelId(info.processId, spec.name),
    processId: info.processId,
    name: spec.name,
    submitterId: info.submitterId,
    executorId,
    attempt: info.attempt ?? (executorId === '' ? 0 : 1),
    direction: spec.direction ?? 'both',
    retention: spec.retention ?? 'reject',
    limits: spec.limits ?? {},
  };
}

/** The id of a channel. A process id has no underscore, so that an id is of one channel only. */
export function channelId(processId: string, name: string): string {
  checkProcessId(processId);
  if (!/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new ChannelError('invalid_channel', `${JSON.stringify(name)} is not a name of a channel`);
  }
  return `${processId}_${name}`;
}

/** The process a channel belongs to, and its name there. */
export function partsOf(id: string): { readonly processId: string; readonly name: string } {
  const end = id.indexOf('_');
  if (end < 1) throw new ChannelError('channel_not_found', `there is no channel ${JSON.stringify(id)}`);
  return { processId: id.slice(0, end), name: id.slice(end + 1) };
}

/** @throws ChannelError `invalid_channel` */
export function checkProcessId(processId: string): void {
  if (!/^[A-Za-z0-9.:-]{1,128}$/.test(processId)) {
    throw new ChannelError('invalid_channel', `${JSON.stringify(processId)} is not an id of a process`);
  }
}

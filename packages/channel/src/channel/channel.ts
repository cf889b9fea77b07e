import { ChannelError } from './channel-error.js';
import type { ChannelLimits, ProcessLimits } from './limits.js';

/** Which side may write to a channel. */
export type Direction = 'both' | 'to_executor' | 'to_submitter';

/**
 * How a full channel handles a message: `reject` rejects it, `trim` evicts the oldest entries, which slow readers then
 * miss.
 */
export type Retention = 'reject' | 'trim';

/** A channel to create with a process. */
export interface ChannelSpec {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`; not `.` or `..`, which URL parsers remove from paths. */
  readonly name: string;
  /** Default `both`. */
  readonly direction?: Direction;
  /** Default `reject`. */
  readonly retention?: Retention;
  /** Default: the limits of the process. */
  readonly limits?: Partial<ChannelLimits>;
}

/** The participants of a process, and its limits. */
export interface ProcessInfo {
  /** 1 to 128 of `A-Z a-z 0-9 . : -`. */
  readonly processId: string;
  /** The credential that submitted the process. */
  readonly submitterId: string;
  /** The credential that the process is assigned to; default none. */
  readonly executorId?: string;
  /** The number of the assignment; default 0 without an executor, 1 with one. */
  readonly attempt?: number;
  /**
   * The owner, such as a project, whose share of the log grows with the messages. The first channels of the process set
   * it. Default: no owner.
   */
  readonly owner?: string;
  /**
   * Stored with the first channels of the process; later values are ignored. Default: the router's limits at each use.
   */
  readonly processLimits?: Partial<ProcessLimits>;
}

/** A channel to create, with its process. */
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
  /** Empty while the process is not assigned. */
  readonly executorId: string;
  /** How many times the process was assigned. */
  readonly attempt: number;
  readonly direction: Direction;
  readonly retention: Retention;
  readonly limits: Partial<ChannelLimits>;
  /** Set after the process has closed. */
  readonly closed?: Closed;
}

/** Returns the channel for a process and a spec. */
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

/** The id of a channel. A process id contains no underscore, so the id is unambiguous. */
export function channelId(processId: string, name: string): string {
  checkProcessId(processId);
  if (!/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new ChannelError('invalid_channel', `${JSON.stringify(name)} is not a valid channel name`);
  }
  return `${processId}_${name}`;
}

/** Splits a channel id into process id and name. */
export function partsOf(id: string): { readonly processId: string; readonly name: string } {
  const end = id.indexOf('_');
  if (end < 1) throw new ChannelError('channel_not_found', `there is no channel ${JSON.stringify(id)}`);
  return { processId: id.slice(0, end), name: id.slice(end + 1) };
}

/** @throws ChannelError `invalid_channel` */
export function checkProcessId(processId: string): void {
  if (!/^[A-Za-z0-9.:-]{1,128}$/.test(processId)) {
    throw new ChannelError('invalid_channel', `${JSON.stringify(processId)} is not a valid process id`);
  }
}

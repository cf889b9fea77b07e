import type { Channel } from './channel.js';
import { ChannelError } from './channel-error.js';

/**
 * The caller of the router: a credential, as executor if it has an assignment, otherwise as submitter; or an observer,
 * which only reads.
 */
export type Caller =
  | {
      readonly credentialId: string;
      /** The content of the assignment token, already verified. */
      readonly assignment?: { readonly attempt: number } | undefined;
    }
  | {
      /** A credential that is verified to be an observer of this process. */
      readonly observerId: string;
    };

/** The role of a caller in a channel. */
export type Role = 'submitter' | 'executor' | 'observer';

/** The role that the caller claims; {@link checkReader} and {@link writerOf} verify it. */
export function roleOf(caller: Caller): Role {
  if ('observerId' in caller) return 'observer';
  return caller.assignment === undefined ? 'submitter' : 'executor';
}

/** One side of a channel: the submitter, or the executor of the channel's attempt. */
export interface Sender {
  readonly role: 'submitter' | 'executor';
  /** The attempt of the process at the time of sending. */
  readonly attempt: number;
  readonly credentialId: string;
}

/** @throws ChannelError `forbidden`, `stale_attempt` unless the caller may read the channel now */
export function checkReader(channel: Channel, caller: Caller): void {
  if ('observerId' in caller) {
    if (caller.observerId === '') throw forbidden(channel, 'an observer without an id cannot read');
    return;
  }
  senderOf(channel, caller);
}

/** @throws ChannelError `forbidden`, `stale_attempt` unless the caller may write to the channel now */
export function writerOf(channel: Channel, caller: Caller): Sender {
  if ('observerId' in caller) throw forbidden(channel, 'observers cannot write');
  const sender = senderOf(channel, caller);
  if (!writes(channel, sender.role)) {
    throw forbidden(channel, `the ${sender.role} cannot write, as its direction is ${channel.direction}`);
  }
  return sender;
}

/** Whether a side may write at all. */
export function writes(channel: Channel, role: Sender['role']): boolean {
  return channel.direction !== (role === 'submitter' ? 'to_submitter' : 'to_executor');
}

function senderOf(channel: Channel, caller: Exclude<Caller, { observerId: string }>): Sender {
  const { credentialId, assignment } = caller;
  // The executor id of an unassigned channel is empty, so an empty credential id must never match.
  if (credentialId === '') throw forbidden(channel, 'the caller has no credential id');
  if (assignment === undefined) {
    if (credentialId === channel.submitterId) {
      return { role: 'submitter', attempt: channel.attempt, credentialId };
    }
    throw forbidden(channel, 'the caller did not submit its process, and has no assignment');
  }
  if (assignment.attempt !== channel.attempt || channel.executorId === '') {
    const { processId, attempt } = channel;
    const isOver = assignment.attempt !== attempt;
    throw new ChannelError(
      'stale_attempt',
      isOver
        ? `attempt ${assignment.attempt} of process ${processId} is over`
        : `attempt ${attempt} of process ${processId} is assigned to no executor`,
      isOver ? {} : { hint: 'assign the process to this executor first' },
    );
  }
  if (credentialId !== channel.executorId) {
    throw forbidden(channel, 'its process is assigned to another credential');
  }
  return { role: 'executor', attempt: channel.attempt, credentialId };
}

function forbidden(channel: Channel, why: string): ChannelError {
  return new ChannelError('forbidden', `channel ${channel.id}: ${why}`);
}

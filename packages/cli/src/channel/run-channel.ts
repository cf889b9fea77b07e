/** The commands of `weir channel`, loaded on demand because the client takes time to load. */

import { buffer } from 'node:stream/consumers';
import { defined } from '@weir/base';
import { CliError, usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { parseWhole } from '../process/submission.js';
import { ChannelApi, type ChannelOptions } from './channel-api.js';
import { channelFailure } from './failure.js';
import { followMessages, readMessages, type ShowOptions } from './follow.js';
import { pipe } from './pipe.js';

/** Options of `weir channel send`. */
export interface SendFlags extends ChannelOptions {
  readonly end?: boolean;
  readonly error?: string;
  readonly inReplyTo?: string;
  readonly contentType?: string;
}

/** Options of `weir channel read` and `follow`. */
export interface ReadFlags extends ChannelOptions, ShowOptions {
  readonly after: string;
  readonly limit?: string;
}

/** Options of `weir channel pipe`. */
export interface PipeFlags extends ChannelOptions {
  readonly after: string;
  readonly lines?: boolean;
  readonly keepOpen?: boolean;
}

/** Identifies a channel. */
export interface Address {
  readonly process: string;
  readonly name: string;
}

const TEXT = 'text/plain; charset=utf-8';

export async function runSend(
  invocation: Invocation,
  address: Address,
  text: string | undefined,
  { end = false, error, inReplyTo, contentType = TEXT, ...as }: SendFlags,
): Promise<void> {
  const { output, context } = invocation;
  if (end && error !== undefined)
    throw usageError('--end and --error are two messages', 'Send them one after the other');
  const isContent = !end && error === undefined;
  if (isContent && text === undefined && context.stdin.isTTY === true)
    throw usageError('nothing to send', 'Give the text as an argument, or pipe it in');
  const reply = inReplyTo === undefined ? {} : { inReplyTo: parseWhole(inReplyTo, '--in-reply-to') };
  const content = text ?? (isContent ? await buffer(context.stdin) : undefined);
  const channel = (await ChannelApi.of(invocation, address, as)).open(output);
  try {
    const sent = await (error !== undefined
      ? channel.sendError(error, reply)
      : end
        ? channel.sendEnd(content)
        : channel.send(content ?? '', { contentType, ...reply }));
    output.result({ index: sent.index, timestamp: sent.timestamp }, String(sent.index));
  } catch (failure) {
    throw channelFailure(failure);
  } finally {
    await channel.close();
  }
}

/** Writes the stored messages. */
export async function runRead(invocation: Invocation, address: Address, flags: ReadFlags): Promise<void> {
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : parseWhole(flags.limit, '--limit');
  const how = { ...shownBy(flags), limit };
  const api = await ChannelApi.of(invocation, address, flags);
  await readMessages(api, invocation.output, how);
}

/** Writes messages as they arrive. */
export async function runFollow(invocation: Invocation, address: Address, flags: ReadFlags): Promise<void> {
  const how = shownBy(flags);
  const api = await ChannelApi.of(invocation, address, flags);
  await followMessages(api, invocation.output, how).catch((error: unknown) => {
    throw channelFailure(error);
  });
}

/** Pipes both directions. */
export async function runPipe(invocation: Invocation, address: Address, flags: PipeFlags): Promise<void> {
  const { lines = false, keepOpen = false } = flags;
  const how = { lines, keepOpen, after: parseWhole(flags.after, '--after') };
  const api = await ChannelApi.of(invocation, address, flags);
  if (api.role === 'observer') {
    throw new CliError('failed', 'forbidden', 'an observer can only read', {
      hint: 'Use "weir channel follow"',
    });
  }
  const { stdin, abandonRest } = invocation.context;
  try {
    await pipe(api, stdin, invocation.output, how);
  } catch (error) {
    throw channelFailure(error);
  } finally {
    // Standard input has no reader any more: do not wait for it.
    abandonRest?.();
  }
}

function shownBy({ raw = false, from, after }: ReadFlags): ShowOptions & { readonly after: number } {
  return { after: parseWhole(after, '--after'), raw, ...defined({ from }) };
}

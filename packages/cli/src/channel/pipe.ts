import type { Readable } from 'node:stream';
import type { Channel } from '@weir/client';
import type { Output } from '../output/output.js';
import { readLines } from '../send/lines.js';
import type { ChannelApi } from './channel-api.js';
import { tellEnd } from './follow.js';
import { write } from './write.js';

/** How a pipe carries. */
export interface PipeOptions {
  /** A message is a line, both ways; else what was read at once. */
  readonly lines?: boolean;
  /** The end of standard input does not end this side. */
  readonly keepOpen?: boolean;
  /** Read from behind this index. */
  readonly after: number;
}

const MAX_LINE_BYTES = 10 * 1024 * 1024;

/**
 * Standard input to a channel, and what the other side sends to standard output: until both sides have ended, or the
 * process has.
 */
export async function pipe(
  api: ChannelApi,
  stdin: Readable,
  output: Output,
  { lines = false, keepOpen = false, after }: PipeOptions,
): Promise<void> {
  const channel = api.open(after);
  const inbound = receive(channel, api.role, output, lines);
  const outbound = send(channel, stdin, lines, keepOpen);
  // Once nothing more can come nobody reads what is sent; a failure to send ends it all, whatever may come.
  await Promise.race([inbound, outbound.then(() => inbound)]);
  await channel.close();
  tellEnd(channel.end?.reason, output);
}

async function send(channel: Channel, stdin: Readable, lines: boolean, keepOpen: boolean): Promise<void> {
  // Nobody waits for an answer here: the one that fails does so below, with the first to fail.
  const unanswered = new Set<Promise<unknown>>();
  const put = async (bytes: Uint8Array): Promise<void> => {
    const answer = channel.send(bytes, TEXT);
    unanswered.add(answer);
    const forget = (): void => void unanswered.delete(answer);
    answer.then(forget, () => {});
    if (unanswered.size >= MAX_UNANSWERED) await Promise.race(unanswered);
  };
  if (lines) {
    for await (const some of readLines(stdin, MAX_LINE_BYTES)) {
      for (const { bytes } of some) if (bytes !== null) await put(bytes);
    }
  } else {
    for await (const chunk of stdin as AsyncIterable<Buffer>) await put(chunk);
  }
  await Promise.all(unanswered);
  if (!keepOpen) await channel.sendEnd();
}

const TEXT = { contentType: 'text/plain; charset=utf-8' };
const MAX_UNANSWERED = 128;

/** Until the other side has ended, or the channel. */
async function receive(
  channel: Channel,
  role: 'submitter' | 'executor',
  output: Output,
  lines: boolean,
): Promise<void> {
  for await (const message of channel) {
    if (message.from === role) continue;
    if (message.payload.length > 0) {
      await write(output.stdout, message.payload);
      if (lines) await write(output.stdout, '\n');
    }
    if (message.type === 'error') output.note(`[channel] error: ${message.error ?? ''}`);
  }
}

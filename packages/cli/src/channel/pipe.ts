import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { type Channel, WeirError } from '@weir/client';
import { CliError } from '../cli-error.js';
import type { Output } from '../output/output.js';
import { readLines } from '../send/lines.js';
import type { ChannelApi, Role } from './channel-api.js';
import { reportEnd } from './follow.js';
import { WholeCharacters } from './whole-characters.js';
import { write } from './write.js';

/** Options of {@link pipe}. */
export interface PipeOptions {
  /** One message per line in both directions; otherwise one message per chunk read. */
  readonly lines?: boolean;
  /** The end of standard input does not close this side, nor end an executor's command. */
  readonly keepOpen?: boolean;
  /** Read after this index. */
  readonly after: number;
}

const MAX_LINE_BYTES = 10 * 1024 * 1024;

/**
 * Connects standard input and output with a channel until both sides, or the process, have ended. An executor's pipe
 * ends with its input, because its caller then has to close the process.
 */
export async function pipe(
  api: ChannelApi,
  stdin: Readable,
  output: Output,
  { lines = false, keepOpen = false, after }: PipeOptions,
): Promise<void> {
  const channel = api.open(output, after);
  const stopBeating = api.beat();
  try {
    const inbound = receive(channel, api.role, output, lines);
    const outbound = send(channel, stdin, lines, keepOpen);
    // Once the inbound side has ended, nothing reads what is sent. A failure to send ends both directions.
    const endsWithInput = api.role === 'executor' && !keepOpen;
    await Promise.race([inbound, outbound.then(() => (endsWithInput ? undefined : inbound))]);
    await channel.close();
    reportEnd(channel.end?.reason, output);
  } finally {
    stopBeating();
    // An open socket would keep the process running.
    await channel.close({ flushMs: 0 });
  }
}

/** Sends standard input. Rejects with the first refusal, even while standard input is idle. */
async function send(channel: Channel, stdin: Readable, lines: boolean, keepOpen: boolean): Promise<void> {
  const unanswered = new Set<Promise<unknown>>();
  let refuse: (error: unknown) => void = () => {};
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  const put = async (bytes: Uint8Array): Promise<void> => {
    // Send bytes that are not UTF-8 without a text content type, so that the reader gets them unchanged.
    const answer = channel.send(bytes, isUtf8(bytes) ? TEXT : {});
    unanswered.add(answer);
    answer.then(() => unanswered.delete(answer), refuse);
    if (unanswered.size >= MAX_UNANSWERED) await Promise.race(unanswered);
  };
  const carry = async (): Promise<void> => {
    if (lines) {
      for await (const some of readLines(stdin, MAX_LINE_BYTES, true)) {
        for (const { bytes, number } of some) {
          if (bytes !== null) await put(bytes);
          else {
            await Promise.all(unanswered);
            throw tooLong(number);
          }
        }
      }
    } else {
      const characters = new WholeCharacters();
      for await (const chunk of stdin as AsyncIterable<Buffer>) {
        const whole = characters.push(chunk);
        if (whole.length > 0) await put(whole);
      }
      const rest = characters.end();
      if (rest.length > 0) await put(rest);
    }
    await Promise.all(unanswered);
    if (!keepOpen) await channel.sendEnd().catch(unlessOver);
  };
  await Promise.race([refused, carry()]);
}

function tooLong(line: number): CliError {
  return new CliError('failed', 'message_too_large', `line ${line} has more than ${MAX_LINE_BYTES} bytes`, {
    hint: 'The lines before it were sent. Send without --lines, or shorter lines.',
  });
}

/** Ignores the error if the channel has already ended. */
function unlessOver(error: unknown): void {
  if (!(error instanceof WeirError) || !OVER.has(error.code)) throw error;
}

const OVER: ReadonlySet<string> = new Set(['channel_closed', 'sender_ended']);
const TEXT = { contentType: 'text/plain; charset=utf-8' };
const MAX_UNANSWERED = 128;

/** Reads messages until both sides, or the process, have ended. */
async function receive(channel: Channel, role: Role, output: Output, lines: boolean): Promise<void> {
  for await (const message of channel) {
    if (message.from === role) continue;
    if (message.payload.length > 0) await write(output.stdout, message.payload);
    // A blank line is an empty message.
    if (lines && (message.payload.length > 0 || message.type === 'data')) await write(output.stdout, '\n');
    if (message.type === 'error') output.note(`[channel] error: ${message.error ?? ''}`);
  }
}

import type { Message } from '@weir/client';
import type { Output } from '../output/output.js';
import type { ChannelApi } from './channel-api.js';
import { bytesOf, documentOf, type MessageDocument, messageText } from './message-document.js';
import { write } from './write.js';

/** How messages are written. */
export interface ShowOptions {
  /** Write only the content bytes. */
  readonly raw?: boolean;
  /** Only messages of this side. */
  readonly from?: 'submitter' | 'executor';
}

/** Messages per request. */
const PAGE = 1_000;

/** Writes the stored messages. */
export async function readMessages(
  channel: ChannelApi,
  output: Output,
  { after, limit, ...how }: ShowOptions & { readonly after: number; readonly limit: number },
): Promise<void> {
  for (let [place, left] = [after, limit]; left > 0; ) {
    const page = await channel.read(place, Math.min(PAGE, left), how.raw === true ? 'base64' : 'text');
    for (const message of page.messages) await show(message, output, how);
    if (page.messages.length === 0) return;
    place = page.next;
    left -= page.messages.length;
  }
}

/** Writes messages as they arrive, until the channel ends. */
export async function followMessages(
  channel: ChannelApi,
  output: Output,
  { after, ...how }: ShowOptions & { readonly after: number },
): Promise<void> {
  const followed = channel.open(output, after);
  try {
    for await (const message of followed) await show(documentOf(message), output, how);
    reportEnd(followed.end?.reason, output);
  } finally {
    await followed.close({ flushMs: 0 });
  }
}

/** Reports the end of a channel on standard error. */
export function reportEnd(reason: string | undefined, output: Output): void {
  if (reason !== undefined) output.note(`[channel] closed (${reason})`);
}

/** The side that sent a message. */
function sideOf({ sender_id }: MessageDocument): Message['from'] {
  return sender_id.startsWith('executor') ? 'executor' : 'submitter';
}

async function show(message: MessageDocument, output: Output, { raw, from }: ShowOptions): Promise<void> {
  if (from !== undefined && sideOf(message) !== from) return;
  if (raw === true) await write(output.stdout, bytesOf(message));
  else await write(output.stdout, `${output.json ? JSON.stringify(message) : messageText(message)}\n`);
}

import * as z from 'zod';
import type { ApiClient } from '../api-client.js';
import { ConsumeError } from '../consume-error.js';
import { defineKey } from '../key/key-definition.js';
import { CHANNEL_MESSAGE } from '../source/channel-event.js';

/** A message as its channel delivers it: docs/channels.md. */
const messageDocument = z
  .looseObject({
    index: z.int().describe('Position in the channel: 1, 2, 3, … the same for every reader'),
    sequence: z.int().describe("The sender's own number"),
    in_reply_to: z.int().optional().describe('Index of the message it answers'),
    timestamp: z.iso.datetime().describe('When it was stored'),
    sender_id: z.string().describe('`submitter:<credential>` or `executor#<attempt>:<credential>`'),
    attempt: z.int().describe('Of the process, when it was stored'),
    type: z.enum(['data', 'end', 'error']),
    text: z.string().optional().describe('The payload, if it is UTF-8'),
    payload: z.string().optional().describe('The payload in base64, if it is not UTF-8'),
    content_type: z.string().optional(),
    error: z.string().optional().describe('What went wrong, of an `error`'),
  })
  .describe('A message of the channel');

/** `weir.channel.message`: the messages of one channel of a process. */
export const channelMessage = defineKey({
  key: 'weir.channel.message',
  displayName: 'Message of a channel',
  description:
    'Every message of one channel of a process, to its submitter and observers; ends with the channel',
  eventType: CHANNEL_MESSAGE,
  params: [
    {
      name: 'project',
      type: 'string',
      description: 'Id of the project (default: the connected project)',
      subscriptionKey: true,
    },
    {
      name: 'process',
      type: 'string',
      description: 'Id of the process',
      required: true,
      subscriptionKey: true,
    },
    {
      name: 'channel',
      type: 'string',
      description: 'Name of the channel',
      required: true,
      subscriptionKey: true,
    },
  ],
  schema: { custom: { type: messageDocument } },
  scopes: ['channel'],
  authTypes: ['bot'],
  bufferSize: 1000,
  normalizeParams: async (api, given) => {
    const process = given.process.toLowerCase();
    await checkReader(api, process, given.channel);
    return { ...given, process };
  },
});

/**
 * Checks with the server whether this credential may read the channel. Otherwise a bus that already follows the channel
 * would deliver it to every consumer of this user.
 */
async function checkReader(api: ApiClient, process: string, channel: string): Promise<void> {
  const path = [process, 'channels', channel].map(encodeURIComponent).join('/');
  await api.callApi('GET', `/api/v1/processes/${path}`).catch((error: unknown) => {
    if (!(error instanceof ConsumeError)) throw error;
    // If the server is unreachable, let the bus report that.
    if (error.kind === 'network') return;
    const { code, message, hint } = error;
    throw code === 'forbidden' ? new ConsumeError('auth', code, message, { hint, cause: error }) : error;
  });
}

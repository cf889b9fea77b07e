import { resolve } from 'node:path';
import * as z from 'zod';
import { defineKey } from '../key/key-definition.js';
import { FILE_LINE } from '../source/line-event.js';
import { NATS_MESSAGE } from '../source/nats-event.js';
import { WEBHOOK_REQUEST } from '../source/webhook-event.js';
import { requestPath } from './source-of.js';

// Keys of sources that this machine reaches without a Weir server, and therefore without an identity.

const texts = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** `nats.message`: messages of a NATS subject. */
export const natsMessage = defineKey({
  key: 'nats.message',
  displayName: 'NATS message',
  description:
    'Messages of a NATS subject as they are published; NATS keeps none for a consumer that is away',
  eventType: NATS_MESSAGE,
  params: [
    {
      name: 'subject',
      type: 'string',
      description: 'What to subscribe to, with wildcards: orders.*, orders.>',
      required: true,
      subscriptionKey: true,
    },
    {
      name: 'servers',
      type: 'multi',
      anyValue: true,
      default: 'nats://127.0.0.1:4222',
      description: 'Servers, of which one is enough: nats://user:password@host:4222',
    },
  ],
  schema: {
    custom: {
      type: z.object({
        subject: z.string().describe('The subject of the message'),
        headers: texts.optional().describe('A list where a header has several values'),
        data: z.json().describe('JSON as it is, other text as a string, other bytes as {"base64"}'),
      }),
    },
  },
});

/** `webhook.request`: HTTP requests to a path on this machine. */
export const webhookRequest = defineKey({
  key: 'webhook.request',
  displayName: 'Webhook request',
  description:
    'HTTP requests to a path of this machine; the response is 202 once a consumer has acknowledged the event',
  eventType: WEBHOOK_REQUEST,
  params: [
    {
      name: 'path',
      type: 'string',
      description: 'The path of the requests, such as /github',
      required: true,
      subscriptionKey: true,
    },
    { name: 'port', type: 'int', description: 'The port to listen on', default: '8787' },
    { name: 'host', type: 'string', description: 'The address to listen on', default: '127.0.0.1' },
  ],
  normalizeParams: (_api, params) => ({ ...params, path: requestPath(params.path) }),
  schema: {
    custom: {
      type: z.object({
        method: z.string(),
        path: z.string(),
        query: texts.describe('A list where a name is given several times'),
        headers: texts.describe('By names in lower case; without `authorization` and `cookie`'),
        body: z
          .json()
          .describe(
            'JSON where the content type says so, other text as a string, other bytes as {"base64"}; null for none',
          ),
      }),
    },
  },
});

/** `file.line`: lines of a growing file. */
export const fileLine = defineKey({
  key: 'file.line',
  displayName: 'Line of a file',
  description: 'Lines of a file as it grows, through rotation; or of standard input',
  eventType: FILE_LINE,
  params: [
    {
      name: 'path',
      type: 'string',
      description: 'The file; - for standard input',
      required: true,
      subscriptionKey: true,
    },
  ],
  normalizeParams: (_api, { path }) => ({ path: path === '-' ? path : resolve(path) }),
  schema: {
    custom: {
      type: z
        .looseObject({ line: z.string().optional().describe('The line, if it is not a JSON object') })
        .describe('The object that the line is'),
    },
  },
});

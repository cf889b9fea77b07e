import type { KeyDefinition } from '../key/key-definition.js';
import { channelMessage } from './channel-message.js';
import { ingestDeadLetter } from './dead-letter.js';
import { fileLine, natsMessage, webhookRequest } from './local-keys.js';
import { process } from './process.js';
import { usage } from './usage.js';
import { weirEvent, weirEventIdentified } from './weir-event.js';

/** The keys that ship with Weir. */
export const shippedKeys: readonly KeyDefinition[] = [
  weirEvent,
  weirEventIdentified,
  ingestDeadLetter,
  usage,
  process,
  channelMessage,
  webhookRequest,
  natsMessage,
  fileLine,
];

import { randomUUID } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { type RawEvent, rawEvent } from '../raw-event.js';
import { jsonTextOf, namedTexts } from './json-text.js';

/** Event type of NATS messages. */
export const NATS_MESSAGE = 'nats.message';

/**
 * Converts a message into an event: `{subject, headers?, data}`. The id is the header `Nats-Msg-Id`, which JetStream
 * also uses for deduplication, or a new UUID.
 */
export function natsEvent({ subject, headers, data }: Msg): RawEvent {
  const head = {
    subject,
    ...(headers === undefined ? {} : { headers: namedTexts(headers) }),
  };
  const facts = {
    event_id: headers?.get('Nats-Msg-Id') || randomUUID(),
    event_type: NATS_MESSAGE,
    timestamp: new Date().toISOString(),
  };
  return rawEvent(facts, `${JSON.stringify(head).slice(0, -1)},"data":${jsonTextOf(data)}}`);
}

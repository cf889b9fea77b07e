import { randomUUID } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { type RawEvent, rawEvent } from '../raw-event.js';
import { jsonTextOf, namedTexts } from './json-text.js';

/** The type of every message of NATS. */
export const NATS_MESSAGE = 'nats.message';

/**
 * A message as an event: `{subject, headers?, data}`. Its id is the header `Nats-Msg-Id`, by which JetStream tells
 * repeats apart too; without one it has an id of its own.
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

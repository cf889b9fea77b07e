import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../json.js';
import { type RawEvent, rawEvent } from '../raw-event.js';
import { jsonTextOf, namedTexts, parsedJson } from './json-text.js';

/** Event type of every webhook request. */
export const WEBHOOK_REQUEST = 'webhook.request';

/** Headers that contain the sender's credentials; they are removed from the event. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Headers that contain the sender's message id, which is stable across the sender's retries. */
const ID_HEADERS = ['webhook-id', 'x-github-delivery', 'idempotency-key'];

/** Converts a request into an event: `{method, path, query, headers, body}`. The event id is the sender's if it has one. */
export function webhookEvent(request: IncomingMessage, url: URL, body: Buffer): RawEvent {
  const { method, headersDistinct: headers } = request;
  const head = {
    method,
    path: url.pathname,
    query: namedTexts(
      [...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]),
    ),
    headers: namedTexts(
      Object.entries(headers).flatMap(([name, texts]) =>
        texts === undefined || SECRET_HEADERS.has(name) ? [] : [[name, texts]],
      ),
    ),
  };
  const isJson = /^[^;]*[/+]json\s*(;|$)/i.test(headers['content-type']?.[0] ?? '');
  const bodyText = body.length === 0 ? 'null' : jsonTextOf(body, isJson);
  const facts = {
    event_id: idOf(headers, bodyText),
    event_type: WEBHOOK_REQUEST,
    timestamp: new Date().toISOString(),
  };
  return rawEvent(facts, `${JSON.stringify(head).slice(0, -1)},"body":${bodyText}}`);
}

function idOf(headers: IncomingMessage['headersDistinct'], bodyText: string): string {
  const named = ID_HEADERS.map((name) => headers[name]?.[0]).find((id) => id);
  if (named !== undefined) return named;
  // Stripe sends the event id in the body only.
  const body = headers['stripe-signature'] === undefined ? undefined : parsedJson(bodyText);
  return isJsonObject(body) && typeof body.id === 'string' && body.id !== '' ? body.id : randomUUID();
}

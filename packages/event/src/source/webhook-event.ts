import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../json.js';
import { type RawEvent, rawEvent } from '../raw-event.js';
import { jsonTextOf, namedTexts, parsedJson } from './json-text.js';

/** The type of every request to a webhook. */
export const WEBHOOK_REQUEST = 'webhook.request';

/** Headers that are the sender's secrets and no part of the message. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Headers by which senders name a message, the same each time they send it again. */
const ID_HEADERS = ['webhook-id', 'x-github-delivery', 'idempotency-key'];

/** A request as an event: `{method, path, query, headers, body}`, its id the sender's where it has one. */
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
  // Stripe names an event in its body alone.
  const body = headers['stripe-signature'] === undefined ? undefined : parsedJson(bodyText);
  return isJsonObject(body) && typeof body.id === 'string' && body.id !== '' ? body.id : randomUUID();
}

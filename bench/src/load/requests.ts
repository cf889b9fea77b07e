/** Ingest requests laid out once as bytes; before each sending only the event ids are written anew. */

const ID_DIGITS = 12;
const BLANK_ID = '0192c2e0-1111-7aaa-8bbb-'.padEnd(24, '0') + '0'.repeat(ID_DIGITS);

/** One request whose ids can be replaced. */
export interface RequestTemplate {
  /** Head and body as they go over the wire. */
  readonly bytes: Buffer;
  /** Events in the body. */
  readonly events: number;
  /** Writes the ids `from`, `from + 1`, … into the events. */
  setIds(from: number): void;
}

/** A POST of `events` page views, about 250 bytes each. */
export function requestTemplate(path: string, host: string, token: string, events: number): RequestTemplate {
  const body = JSON.stringify({
    events: Array.from({ length: events }, (_, i) => ({
      event: ['pageview', 'click', 'signup', 'purchase'][i % 4],
      event_id: BLANK_ID,
      timestamp: new Date(Date.now() - i * 37).toISOString(),
      anonymous_id: `visitor-${(i * 7919) % 5000}`,
      properties: {
        path: `/products/${i % 97}`,
        referrer: 'https://example.com/search',
        position: i,
        price: i * 0.5,
      },
    })),
  });
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    '',
  ].join('\r\n');
  const bytes = Buffer.from(head + body);
  const places: number[] = [];
  for (let at = bytes.indexOf(BLANK_ID); at >= 0; at = bytes.indexOf(BLANK_ID, at + 1)) {
    places.push(at + BLANK_ID.length - ID_DIGITS);
  }
  return {
    bytes,
    events,
    setIds(from) {
      for (let i = 0; i < places.length; i += 1) writeDigits(bytes, places[i] ?? 0, from + i);
    },
  };
}

function writeDigits(bytes: Buffer, at: number, value: number): void {
  let rest = value;
  for (let i = ID_DIGITS - 1; i >= 0; i -= 1) {
    bytes[at + i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

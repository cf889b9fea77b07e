import { type JsonValue, payloadText, rawEvent } from '@weir/event';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EventMessage, encode, MESSAGE_TYPES, type Message } from './index.js';
import { decodePieces } from './testing/decode-pieces.js';
import { CONSUMER, SAMPLES } from './testing/samples.js';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constant(',"payload":1}}'),
);
const json = fc.jsonValue({ depthSize: 'small' }).map((value) => {
  // Normalize as JSON does: -0 becomes 0.
  return JSON.parse(JSON.stringify(value)) as JsonValue;
});
const payload = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  json.map((value) => JSON.stringify(value, undefined, 2)),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map((n) => `{"n":${n}}`),
);

/** Any event message, including indented payloads and integers beyond doubles. */
const anyEvent: fc.Arbitrary<EventMessage> = fc
  .record(
    {
      seq: fc.nat(),
      cursor: text,
      delivery: fc.record({ id: fc.string({ minLength: 1 }), attempt: fc.integer({ min: 1 }) }),
      facts: fc.record(
        { event_id: text, event_type: text, source_time: text, timestamp: text },
        { requiredKeys: ['event_id', 'event_type', 'timestamp'] },
      ),
      payload,
    },
    { requiredKeys: ['seq', 'facts', 'payload'] },
  )
  .map(({ facts, payload, ...rest }) => ({ type: 'event', ...rest, event: rawEvent(facts, payload) }));

/** Messages with members that accept any text or JSON. */
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('bye' as const), reason: fc.constant('error' as const), message: text }),
  fc.record({ type: fc.constant('pre_shutdown_ack' as const), last: fc.boolean(), state: json }),
  fc.record({ type: fc.constant('shutdown' as const), force: fc.boolean() }),
  fc.constant<Message>({ type: 'status_query' }),
  text.map((secret): Message => ({ ...CONSUMER, secret: `s${secret}`, params: { [secret]: secret } })),
);

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.map((place, i) => bytes.subarray(places[i - 1] ?? 0, place));
}

test('rule 1: any messages survive any split of their bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyMessage, anyEvent), { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      (messages, cuts) => {
        const bytes = Buffer.from(messages.map(encode).join(''));
        const { messages: decoded, error } = decodePieces(split(bytes, cuts));
        expect(error).toBeUndefined();
        expect(decoded).toEqual(messages);
        const texts = (list: Message[]) => list.map((m) => (m.type === 'event' ? payloadText(m.event) : ''));
        expect(texts(decoded)).toEqual(texts(messages).map((text) => text.replaceAll(/[\r\n]/g, ' ')));
      },
    ),
    { numRuns: 500, examples: [[[{ ...CONSUMER, params: { ['__proto__']: 'kept' } }], []]] },
  );
});

test('rule 1: every message type can arrive one byte at a time', () => {
  expect(SAMPLES.map((m) => m.type).sort()).toEqual([...MESSAGE_TYPES].sort());
  const bytes = Buffer.from(SAMPLES.map(encode).join(''));
  const { messages, error } = decodePieces(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
  expect(error).toBeUndefined();
  expect(messages).toEqual(SAMPLES);
});

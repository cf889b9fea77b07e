import { MAX_EVENT_BYTES, payloadText, rawEvent } from '@weir/event';
import { expect, test } from 'vitest';
import {
  decodeLine,
  type EventMessage,
  encode,
  MAX_LINE_BYTES,
  type Message,
  MessageDecoder,
  ProtocolError,
} from './index.js';
import { decodePieces } from './testing/decode-pieces.js';

/** Expects the error code and any non-empty message. */
const failing = (code: string) => expect.objectContaining({ name: 'ProtocolError', code });

const event = (text: string): EventMessage => ({
  type: 'event',
  seq: 1,
  event: rawEvent({ event_id: 'e', event_type: 't', timestamp: '2026-01-01T00:00:00Z' }, text),
});

test('rule 2: a line has at most 1 MiB of payload and 64 KiB of other members', () => {
  const largest = event(JSON.stringify('é'.repeat(MAX_EVENT_BYTES / 2 - 1)));
  expect(decodePieces([Buffer.from(encode(largest))]).messages).toEqual([largest]);
  expect(() => encode(event(JSON.stringify('x'.repeat(MAX_EVENT_BYTES - 1))))).toThrow(
    failing('event_too_large'),
  );
  const long: Message = { type: 'bye', reason: 'error', message: 'x'.repeat(MAX_LINE_BYTES) };
  expect(() => encode(long)).toThrow(failing('line_too_long'));
  // Built by hand, because encode refuses it.
  const line = encode(event('"y"')).replace('"y"', JSON.stringify('x'.repeat(MAX_EVENT_BYTES - 1)));
  expect(decodePieces([Buffer.from(line)]).error).toEqual(failing('event_too_large'));
});

test('rule 2: a line without an end is rejected at its limit and not buffered further', () => {
  const piece = Buffer.alloc(1024, 'x');
  const decoder = new MessageDecoder(() => {});
  let taken = 0;
  const endless = () => {
    for (; taken < 2 * MAX_LINE_BYTES; taken += piece.length) decoder.push(piece);
  };
  expect(endless).toThrow(failing('line_too_long'));
  expect(taken).toBeLessThanOrEqual(MAX_LINE_BYTES);
  expect(decodePieces([Buffer.alloc(MAX_LINE_BYTES + 1, ' '), Buffer.from('\n')]).error).toEqual(
    failing('line_too_long'),
  );
});

test('rule 2: the longest line can arrive one byte at a time', { timeout: 30_000 }, () => {
  const longest = event(JSON.stringify('x'.repeat(MAX_EVENT_BYTES - 2)));
  const bytes = Buffer.from(encode(longest));
  // With a copy of the whole buffer for each byte this would take minutes.
  expect(decodePieces(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toEqual({
    messages: [longest],
  });
});

const FACTS = '"event_id":"e","event_type":"t","timestamp":"T"';

test.each<[string, string | Buffer, string, RegExp]>([
  ['rule 3', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'not_utf8', /not UTF-8/],
  ['rule 3', '{"type":"bye",', 'not_json', /not JSON: {"type":"bye",$/],
  ['rule 3', '', 'not_json', /not JSON/],
  ['rule 3', '[1]', 'invalid_message', /object with a type/],
  ['rule 3', 'null', 'invalid_message', /object with a type/],
  ['rule 4', '{"type":"hi"}', 'unknown_type', /no message of type "hi"/],
  ['rule 4', '{"type":"shutdown"}', 'invalid_message', /type shutdown.*force/],
  ['rule 4', '{"type":"ack","of":"deliveries","ids":[]}', 'invalid_message', /ids/],
  [
    'rule 4',
    '{"type":"hello","role":"control","protocol":1,"version":"1","pid":1}',
    'invalid_message',
    /secret/,
  ],
  ['rule 5', '{"seq":1,"type":"event"}', 'invalid_message', /begin with {"type":"event",/],
  ['rule 6', '{"type":"event","seq":1}', 'invalid_message', /end with its payload/],
  ['rule 6', '{"type":"event","seq":1,"event":{"event_id":"e"}}', 'invalid_message', /end with its payload/],
  [
    'rule 6',
    '{"type":"event","seq":1,"event":{"event_id":"e","payload":1}}',
    'invalid_message',
    /event_type/,
  ],
  ['rule 6', '{"type":"event","seq":1,"payload":1}', 'invalid_message', /end with its payload/],
  [
    'rule 6',
    `{"type":"event","seq":1,"event":{${FACTS},"payload":1,"x":2}}`,
    'invalid_message',
    /its payload/,
  ],
  [
    'rule 6',
    `{"type":"event","seq":1,"event":{${FACTS},"payload":1,"payload":2}}`,
    'invalid_message',
    /payload/,
  ],
  ['rule 6', `{"type":"event","seq":1,"event":{${FACTS},"payload":{"a":}}`, 'not_json', /not JSON/],
])('%s: %j is rejected with the reason', (_, line, code, message) => {
  const bytes = Buffer.concat([
    Buffer.from(encode({ type: 'status_query' })),
    Buffer.from(line),
    Buffer.from('\n{"type":"status_query"}\n'),
  ]);
  const { messages, error } = decodePieces([bytes]);
  // The messages before the bad line were delivered, and none after it.
  expect(messages).toEqual([{ type: 'status_query' }]);
  expect(error).toEqual(failing(code));
  expect(error).toHaveProperty('message', expect.stringMatching(message));
});

test('rule 3: after an error no further message is decoded', () => {
  const messages: Message[] = [];
  const decoder = new MessageDecoder((message) => messages.push(message));
  expect(() => decoder.push(Buffer.from('x\n'))).toThrow(failing('not_json'));
  expect(() => decoder.push(Buffer.from(encode({ type: 'status_query' })))).toThrow(failing('not_json'));
  expect(messages).toEqual([]);
});

test('rule 3: a stream that ends inside a line is an error, between lines it is not', () => {
  expect(decodePieces([Buffer.from('{"type":"status_query"}\n')]).error).toBeUndefined();
  const { messages, error } = decodePieces([Buffer.from('{"type":"status_query"}\n{"type"')]);
  expect(messages).toHaveLength(1);
  expect(error).toEqual(failing('unfinished_line'));
});

test('rule 4: unknown members of a later release are ignored', () => {
  expect(decodeLine('{"type":"pre_shutdown_check","added_later":{"x":1}}')).toEqual({
    type: 'pre_shutdown_check',
  });
  const line = encode(event('[1]'))
    .replace('"seq":1', '"seq":1,"later":"x"')
    .replace('"event_id"', '"later":2,"event_id"');
  expect(decodeLine(line)).toEqual(event('[1]'));
});

test('rule 6: text inside an event cannot move the start of its payload, and no digit is lost', () => {
  const trap = ',"payload":{"a":1}}} \\ ,\\"payload\\":';
  const message: EventMessage = {
    type: 'event',
    seq: 7,
    cursor: trap,
    event: rawEvent(
      { event_id: trap, event_type: trap, timestamp: trap },
      `{"payload":12345678901234567890,\n "x":${JSON.stringify(trap)},"y":{"z":1.10}}`,
    ),
  };
  const decoded = decodeLine(encode(message).trimEnd());
  expect(decoded).toEqual(message);
  expect(decoded.type === 'event' && payloadText(decoded.event)).toBe(
    `{"payload":12345678901234567890,  "x":${JSON.stringify(trap)},"y":{"z":1.10}}`,
  );
});

test('an exception of the receiver ends decoding and propagates to the caller of push', () => {
  const decoder = new MessageDecoder(() => {
    throw new RangeError('full');
  });
  expect(() => decoder.push(Buffer.from(encode({ type: 'status_query' })))).toThrow(RangeError);
  expect(() => decoder.push(Buffer.from('\n'))).toThrow(RangeError);
  expect(new ProtocolError('not_json', 'x').retryable).toBe(false);
});

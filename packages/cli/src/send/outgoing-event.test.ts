import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventOfOptions } from './event-of-options.js';
import { outgoingEvent } from './outgoing-event.js';

const ORIGIN = { file: null, line: 1 };
const NEW_ID = '01890000-0000-7000-8000-000000000000';

function sentText(text: string): string | null {
  const event = outgoingEvent(Buffer.from(text), ORIGIN, () => NEW_ID);
  return 'bytes' in event ? event.bytes.toString() : null;
}

describe('an outgoing event', () => {
  it('is the given JSON, plus an event_id if there was none', () => {
    const id = fc.constantFrom({}, { event_id: null }, { event_id: 'mine' }, { eventId: 'mine' });
    const space = fc.constantFrom(undefined, 1, '\t');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), id, space, (members, ids, indent) => {
        const event = { ...members, ...ids };
        const text = JSON.stringify(event, null, indent);
        const known =
          'event_id' in event || 'eventId' in event ? (event.event_id ?? event.eventId ?? null) : null;
        const expected = known === null ? { ...event, event_id: NEW_ID } : event;
        // Compare as text, because __proto__ as a key would vanish.
        const sent = JSON.parse(sentText(text) ?? 'null') as Record<string, unknown>;
        expect(Object.entries(sent).sort()).toEqual(
          Object.entries(JSON.parse(JSON.stringify(expected))).sort(),
        );
      }),
      { seed: 1 },
    );
  });

  it('keeps all digits', () => {
    const text = '{"event":"a","timestamp":1700000000001,"properties":{"n":123456789012345678901,"f":1.10}}';
    expect(sentText(text)).toBe(`${text.slice(0, -1)},"event_id":"${NEW_ID}"}`);
    const built = eventOfOptions('a', { prop: ['n:=123456789012345678901', 'p=x=y'] }, new Date(0));
    expect(built).toContain('"properties":{"n":123456789012345678901,"p":"x=y"}');
  });

  it.each([
    ['[]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['{', 'not JSON'],
  ])('is rejected without being sent: %s', (text, reason) => {
    expect(outgoingEvent(Buffer.from(text), ORIGIN, () => NEW_ID)).toEqual({ origin: ORIGIN, reason });
  });

  it('is rejected if it is not UTF-8', () => {
    const refused = outgoingEvent(Buffer.from([0x7b, 0xff, 0x7d]), ORIGIN, () => NEW_ID);
    expect(refused).toEqual({ origin: ORIGIN, reason: 'not UTF-8' });
  });
});

import { expect, test } from 'vitest';
import { eventsOfLines } from './event-source.js';

async function read(text: string): Promise<number> {
  async function* bytes() {
    yield Buffer.from(text);
  }
  let count = 0;
  for await (const items of eventsOfLines(bytes(), null, () => 'id')) count += items.length;
  return count;
}

const EVENT = { event: 'e', properties: { events: [1] } };

test.each([
  [JSON.stringify(EVENT, null, 2), /several lines/, "jq -c '.' | weir send -"],
  [JSON.stringify([EVENT], null, 2), /list of several lines/, "jq -c '.[]' | weir send -"],
  [JSON.stringify([EVENT]), /a JSON list/, "jq -c '.[]' | weir send -"],
  [JSON.stringify({ token: 't', events: [EVENT] }), /the list "events"/, "jq -c '.events[]' | weir send -"],
  [`\ufeff{ "batch" : [] }`, /the list "batch"/, "jq -c '.batch[]' | weir send -"],
])('JSON that is not NDJSON is rejected with a command that converts it: %s', async (text, message, hint) => {
  await expect(read(text)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(message),
    hint: expect.stringContaining(hint),
  });
});

test.each([JSON.stringify(EVENT), '{"event":"e","events":[]}', '{broken', '"text"'])(
  'a first line that is an event, or only a bad one, is read as a line: %s',
  async (line) => {
    expect(await read(`${line}\n${JSON.stringify(EVENT)}\n`)).toBe(2);
  },
);

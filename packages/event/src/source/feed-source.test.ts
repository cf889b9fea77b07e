import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { openSource } from './index.js';
import { FeedServer, stream } from './testing/feed-server.js';
import { Follower } from './testing/follower.js';

test.each([
  ['usage', '{"id":"u1","time":"2026-01-01T00:00:00.000Z"}', 'weir.usage', 'u1'],
  ['dead_letters', '{"id":"l1","created_at":"2026-01-01T00:00:00Z"}', 'weir.ingest.dead_letter', 'l1'],
  ['processes', '{"id":"p1","event_id":"p1.2","at":"2026-01-01T00:00:00Z"}', 'weir.process', 'p1.2'],
  ['events', '{"event_id":"e1","event":"order","timestamp":"2026-01-01T00:00:00Z"}', 'order', 'e1'],
])('items of the stream %s have their type and id', async (name, document, event_type, event_id) => {
  const server = new FeedServer([stream(`id: a\ndata: ${document}\n\n`, 'hang')]);
  const spec = { kind: 'feed', server: await server.start(), project: 'p', stream: name } as const;
  const follower = new Follower(openSource(spec, 'k').open('earliest'));
  await follower.until(({ items }) => items.length === 1);
  const event = { event_type, event_id, source_time: '1767225600000' };
  expect(follower.items).toMatchObject([{ cursor: 'a', event }]);
  await follower.stop();
  server.close();
});

test('every join creates a separate member', async () => {
  const members = new Set<unknown>();
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    members.add(JSON.parse(Buffer.concat(pieces).toString()).member);
    response.end('{"deliveries":[]}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  const url = `http://127.0.0.1:${address.port}`;
  const source = openSource({ kind: 'feed', server: url, project: 'p', stream: 'events' }, 'k');
  const { signal } = new AbortController();
  for (const member of [source.join?.('g', 'latest'), source.join?.('g', 'latest')]) {
    await member?.pull(1, signal, []);
    await member?.pull(1, signal, []);
  }
  server.close();
  expect([...members]).toEqual([expect.any(String), expect.any(String)]);
});

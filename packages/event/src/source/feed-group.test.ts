import { afterEach, expect, test } from 'vitest';
import { payloadText } from '../raw-event.js';
import { FeedGroup } from './feed-group.js';
import { type Answer, FeedServer, refuse } from './testing/feed-server.js';

let server: FeedServer | undefined;
afterEach(() => server?.close());

const signal = new AbortController().signal;
const asked: { method: string; path: string; body: unknown }[] = [];

/** A member at a scripted server that records its requests. */
async function member(answers: readonly Answer[], from = 'latest'): Promise<FeedGroup> {
  asked.length = 0;
  server = new FeedServer(
    answers.map(
      (answer): Answer =>
        (response, after) => {
          const { req } = response;
          let text = '';
          req.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          req.on('end', () => {
            asked.push({ method: req.method ?? '', path: req.url ?? '', body: JSON.parse(text) });
            answer(response, after);
          });
        },
    ),
  );
  const url = await server.start();
  return new FeedGroup({ server: url, project: 'p', key: 'k', group: 'g', from, names: ['e'], member: 'm' });
}

const answer =
  (text: string): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);

test('creates the group, receives events with all digits, and settles them by id', async () => {
  const first = '{"event":"e","event_id":"1","properties":{"event":{"n":12345678901234567890},"s":"\\"}]{"}}';
  const second = '{"event":"e","event_id":"2","properties":{"list":[{"event":{}}]}}';
  const deliveries = [first, second].map(
    (event, i) => `{"id":"i${i}","cursor":"c${i}","attempt":1,"event":${event}}`,
  );
  const group = await member([
    refuse(503, { code: 'starting' }),
    answer('{}'),
    answer(`{"deliveries":[${deliveries.join(',')}]}`),
    answer('{"lease_ms":7000,"deliveries":[]}'),
    answer('{}'),
    answer('{}'),
    answer('{"extended":1,"lost":["i2"]}'),
  ]);
  await group.start(signal);
  const got = await group.pull(7, signal, []);
  expect(got.map(({ event, ...rest }) => ({ ...rest, text: payloadText(event) }))).toEqual([
    { id: 'i0', cursor: 'c0', attempt: 1, text: first },
    { id: 'i1', cursor: 'c1', attempt: 1, text: second },
  ]);
  expect(got[0]?.event).toMatchObject({ event_type: 'e', event_id: '1' });
  expect(await group.pull(1, signal, ['i0'])).toEqual([]);
  await group.ack(['i0']);
  await group.ack([]);
  await group.nack(['i1'], 50);
  expect(await group.extend(['i1', 'i2'])).toEqual(['i2']);
  expect(group.leaseMs).toBe(7_000);
  const path = '/api/v1/projects/p/feed/groups/g';
  expect(asked.slice(1)).toEqual([
    { method: 'PUT', path, body: { event: ['e'], stream: 'events' } },
    { method: 'POST', path: `${path}/pull`, body: { max: 7, wait_ms: 20_000, member: 'm', holding: [] } },
    { method: 'POST', path: `${path}/pull`, body: { max: 1, wait_ms: 20_000, member: 'm', holding: ['i0'] } },
    { method: 'POST', path: `${path}/ack`, body: { ids: ['i0'] } },
    { method: 'POST', path: `${path}/nack`, body: { ids: ['i1'], delay_ms: 50 } },
    { method: 'POST', path: `${path}/extend`, body: { ids: ['i1', 'i2'], member: 'm' } },
  ]);
});

test('sends the start of a new group unless it is latest', async () => {
  const group = await member([answer('{}')], 'earliest');
  await group.start(signal);
  expect(asked[0]?.body).toEqual({ event: ['e'], from: 'earliest', stream: 'events' });
});

test.each([
  [409, { code: 'group_exists' }, { kind: 'usage', code: 'group_exists', param: 'group' }],
  [404, { code: 'group_not_found' }, { kind: 'failed', code: 'group_not_found' }],
  [404, { code: 'not_found' }, { kind: 'failed', code: 'not_found' }],
  [401, { code: 'unauthorized' }, { kind: 'auth' }],
  [410, { code: 'cursor_expired', missed: 7, oldest: 'c' }, { name: 'SourceGap', missed: 7, oldest: 'c' }],
  [429, { code: 'too_many_unacknowledged' }, { name: 'SourceInterrupted', waitMs: 1000, isAnswered: true }],
  [503, { code: 'log_full' }, { name: 'SourceInterrupted', isAnswered: true }],
])('%d %j', async (status, document, error) => {
  const headers = status === 429 ? { 'retry-after': '1' } : {};
  const group = await member([refuse(status, { ...document, detail: 'no', hint: 'do' }, headers)]);
  await expect(group.pull(1, signal, ['i0'])).rejects.toMatchObject({ ...error, message: 'no' });
});

test('a broken connection interrupts, an unreachable server cannot be joined, and a wait can be aborted', async () => {
  const group = await member([(response) => response.destroy(), () => {}]);
  await expect(group.ack(['i'])).rejects.toMatchObject({ name: 'SourceInterrupted', isAnswered: false });
  const ending = new AbortController();
  const pulling = group.pull(1, ending.signal, []);
  ending.abort();
  await expect(pulling).rejects.toMatchObject({ name: 'AbortError' });
  server?.close();
  await expect(group.start(signal)).rejects.toMatchObject({ kind: 'network', code: 'unreachable' });
}, 15_000);

/** Readers of long channels and streams: whatever they ask for, other requests wait for a bounded time. */
import { type ClientRequest, get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChannelClient } from './harness/channel-client.js';
import { EventStream } from './harness/event-stream.js';
import { type Job, Jobs } from './harness/jobs.js';
import { MeasuredServer } from './harness/measured-server.js';
import { waitUntil } from './index.js';

const BATCH = 10_000;
const BATCHES = 10;
const MESSAGES = BATCH * BATCHES;
/** As in feed-history.test.ts. */
const LONGEST_TURN_MS = 40;

let weir: MeasuredServer;
let job: Job;

beforeAll(async () => {
  weir = await new MeasuredServer({
    WEIR_USAGE_ENABLED: 'false',
    WEIR_CHANNEL_RATE_LIMIT: 'off',
    WEIR_CHANNEL_MAX_MESSAGES: String(MESSAGES),
  }).start();
  const jobs = new Jobs(weir);
  job = await jobs.run();
  for (let i = 0; i < BATCHES; i += 1) {
    const messages = Array.from({ length: BATCH }, (_, n) => ({
      sequence: i * BATCH + n,
      text: `token ${n}`,
    }));
    const { status } = await jobs.call('POST', `/${job.id}/channels/c/messages`, { messages });
    if (status !== 201) throw new Error(`append: ${status}`);
  }
  const stream = (method: string, body?: string) =>
    weir.request(method, '/v1/stream/long', {
      headers: { ...authorization(), 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    });
  await stream('PUT');
  // Appends that are under way together share commits.
  for (let i = 0; i < 100; i += 1)
    await Promise.all(Array.from({ length: 100 }, (_, n) => stream('POST', `[{"token":${i * 100 + n}}]`)));
});
afterAll(async () => await weir?.dispose());

const authorization = () => ({ authorization: `Bearer ${weir.key}` });
const channel = () => `/api/v1/processes/${job.id}/channels/c`;

/** Follows a stream over SSE, and counts its pages alone. */
class Follower {
  pages = 0;
  readonly #request: ClientRequest;

  constructor(url: string) {
    this.#request = get(url, { headers: authorization() }, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => {
        this.pages += text.split('event: control').length - 1;
      });
      response.on('error', () => {});
    });
    this.#request.on('error', () => {});
  }

  close(): void {
    this.#request.destroy();
  }
}

test('pages of small messages are made in short turns', async () => {
  const longest = await weir.longestTurn(async () => {
    const pages = await Promise.all(
      Array.from({ length: 5 }, () =>
        weir.request('GET', `${channel()}/messages`, { headers: authorization() }),
      ),
    );
    for (const { text } of pages) expect(JSON.parse(text).messages.length).toBeGreaterThan(10_000);
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('event streams from the beginning of a channel are made in short turns', async () => {
  const longest = await weir.longestTurn(async () => {
    const streams = await Promise.all(
      Array.from({ length: 5 }, () =>
        EventStream.open(`${weir.url}${channel()}/subscribe?after=${MESSAGES / 2}`, authorization()),
      ),
    );
    await waitUntil('all messages', () => streams.every(({ messages }) => messages.length === MESSAGES / 2));
    for (const stream of streams) stream.close();
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('a channel read under many numbers of a WebSocket is read in short turns, and left at once', async () => {
  const longest = await weir.longestTurn(async () => {
    const client = await ChannelClient.connect(weir.url, weir.key);
    for (let ch = 1; ch <= 64; ch += 1)
      client.send({ op: 'open', ch, process: job.id, channel: 'c', read: true, after: 0, credit: 2 ** 31 });
    await waitUntil('some of each', () =>
      Array.from({ length: 64 }).every((_, i) => client.bytes(i + 1) > 500_000),
    );
    client.close();
    await waitUntil('the readers to end', async () => {
      const { text } = await weir.request('GET', '/metrics');
      return /^weir_channel_subscribers 0$/m.test(text);
    });
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

test('streams of many appends, and channels as streams, are followed in short turns', async () => {
  const longest = await weir.longestTurn(async () => {
    const paths = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'long' : `-/${job.id}/c`));
    const followers = paths.map((path) => new Follower(`${weir.url}/v1/stream/${path}?offset=-1&live=sse`));
    await waitUntil('some of each', () => followers.every(({ pages }) => pages >= 2));
    for (const follower of followers) follower.close();
  });
  expect(longest).toBeLessThan(LONGEST_TURN_MS);
});

/** A channel as a Durable Stream: the protocol's published client on one side, REST on the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, Jobs } from './harness/jobs.js';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
let jobs: Jobs;

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_CHANNEL_RETENTION: '2s' }).start();
  jobs = new Jobs(weir);
});
afterAll(async () => await weir?.dispose());

interface Item {
  readonly index: number;
  readonly sequence: number;
  readonly sender_id: string;
  readonly type: string;
  readonly text: string;
}

const as = ({ assignment }: Job) => ({ 'weir-assignment': assignment });
const producer = (epoch: number, seq: number) => ({
  'producer-id': 'p',
  'producer-epoch': String(epoch),
  'producer-seq': String(seq),
});
const pathOf = ({ id }: Pick<Job, 'id'>, search = '', name = 'c') => `/v1/stream/-/${id}/${name}${search}`;

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  key = weir.key,
) {
  const answer = await weir.request(method, path, {
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { ...answer, next: answer.headers.get('stream-next-offset') };
}
const post = (job: Job, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  call('POST', pathOf(job), body, headers);
const itemsOf = async (job: Job, search = '?as=text'): Promise<Item[]> =>
  JSON.parse((await call('GET', pathOf(job, search))).text);
const textsOf = async (job: Job) => (await itemsOf(job)).map(({ text }) => text);
const codeOf = ({ status, text }: { status: number; text: string }) => [status, JSON.parse(text).code];

async function observer(job: Job): Promise<{ id: string; key: string }> {
  const wanted = { name: 'observer', scopes: ['channel'] };
  const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, wanted);
  const { id, api_key: key } = body as { id: string; api_key: string };
  await jobs.call('POST', `/${job.id}/observers`, { add: [id] });
  return { id, key };
}

/** Repeats a request until the server accepts or rejects it; the client leaves retries to the user of its producer. */
const patientFetch: typeof fetch = async (input, init) => {
  for (;;) {
    const response = await fetch(input, init).catch(() => null);
    if (response !== null && response.status < 500 && response.status !== 429) return response;
    await sleep(50);
  }
};

/** Reads a channel to its end, from where it was whenever the connection breaks. */
async function follow(url: string, key: string, live: 'sse' | 'long-poll', seen: Item[]): Promise<void> {
  for (let offset = '-1'; ; await sleep(100)) {
    try {
      const headers = { authorization: `Bearer ${key}` };
      const response = await stream<Item>({ url, headers, live, offset, json: true });
      response.subscribeJson(async (batch) => {
        seen.push(...batch.items);
        offset = batch.offset;
      });
      await response.closed;
      if (!response.streamClosed) continue;
      // The client says so before it has handed out the last items.
      await waitUntil('the last items', () => offset === response.offset);
      return;
    } catch {
      // The server was killed.
    }
  }
}

describe('a channel as a stream', () => {
  it('carries both sides once and in order, through a kill, whoever reads it how', async () => {
    const job = await jobs.run();
    const { key } = await observer(job);
    const url = `${weir.url}${pathOf(job)}`;
    const handle = new DurableStream({
      url,
      headers: { authorization: `Bearer ${weir.key}` },
      contentType: 'application/json',
    });
    const errors: Error[] = [];
    const onError = (error: Error) => errors.push(error);
    const writer = new IdempotentProducer(handle, 'w', { maxBatchBytes: 60, fetch: patientFetch, onError });
    const read: Item[][] = [[], []];
    const readers = [
      follow(`${url}?as=text`, key, 'sse', read[0] ?? []),
      follow(`${url}?as=text`, weir.key, 'long-poll', read[1] ?? []),
    ];
    const COUNT = 400;
    const answers = 20;
    for (let n = 0; n < COUNT; n++) {
      writer.append(JSON.stringify({ n }));
      if (n % answers !== 0) continue;
      const sequence = n / answers;
      const answer = { sequence, text: `answer ${sequence}` };
      await waitUntil('the answer to be stored', async () => {
        const sent = await jobs.call('POST', `/${job.id}/channels/c/messages`, answer, as(job));
        return sent.status === 201;
      });
      await waitUntil('what was written', () => read.every((seen) => seen.length >= n));
      if (n !== COUNT / 2) continue;
      await weir.killAll();
      await weir.start();
    }
    await writer.close();
    const ended = { sequence: answers, type: 'end' };
    await jobs.call('POST', `/${job.id}/channels/c/messages`, ended, as(job));
    await Promise.all(readers);
    expect(errors).toEqual([]);
    for (const items of read) {
      expect(items.map(({ index }) => index)).toEqual(items.map((_, i) => i + 1));
      const of = (role: string) => items.filter(({ sender_id }) => sender_id.startsWith(role));
      const own = of('submitter').map(({ type, text }) => (type === 'end' ? 'end' : JSON.parse(text).n));
      expect(own).toEqual([...Array.from({ length: COUNT }, (_, n) => n), 'end']);
      expect(of('executor').map(({ text }) => text)).toEqual([
        ...Array.from({ length: answers }, (_, n) => `answer ${n}`),
        '',
      ]);
    }
  });

  it('takes messages, and any other JSON as the payload of one', async () => {
    const job = await jobs.run();
    const big = '{"n":12345678901234567890}';
    expect(await post(job, '{"text":"hello"}')).toMatchObject({ status: 204 });
    const body = `[{"payload":"AP8=","content_type":"image/x","in_reply_to":1}, ${big} , [1,"],"],"x",null, {"type":"text","text":"a"}]`;
    const sent = await post(job, body, as(job));
    expect(sent.next).toBe((await call('HEAD', pathOf(job))).next);
    const items = await itemsOf(job);
    expect(items).toMatchObject([
      { index: 1, sequence: 0, text: 'hello', content_type: 'text/plain; charset=utf-8' },
      { index: 2, sequence: 0, payload: 'AP8=', content_type: 'image/x', in_reply_to: 1 },
      ...[big, '[1,"],"]', '"x"', 'null', '{"type":"text","text":"a"}'].map((text, i) => ({
        sequence: i + 1,
        text,
        content_type: 'application/json',
      })),
    ]);
    const { body: rest } = await jobs.call('GET', `/${job.id}/channels/c/messages?as=text`);
    expect(rest.messages).toEqual(items);
    expect(await itemsOf(job, '')).toMatchObject([{ payload: 'aGVsbG8=' }, {}, {}, {}, {}, {}, {}]);

    const deep = '['.repeat(2_000) + ']'.repeat(2_000);
    for (const wrong of ['{"text":1', '[]', '{"payload":"$"}', '{"text":"a","in_reply_to":"1"}', deep]) {
      expect((await post(job, wrong)).status, wrong.slice(0, 40)).toBe(400);
    }
    expect(codeOf(await post(job, '1', { 'content-type': 'text/plain' }))).toEqual([
      409,
      'content_type_mismatch',
    ]);
    expect(codeOf(await post(job, '1', { 'stream-seq': 'a' }))).toEqual([400, 'invalid_message']);
    expect(codeOf(await post(job, { text: 'a', in_reply_to: 99 }))).toEqual([400, 'invalid_in_reply_to']);
    expect((await itemsOf(job)).length).toBe(7);
    for (const method of ['PUT', 'DELETE']) expect((await call(method, pathOf(job))).status).toBe(405);
    const fork = { 'stream-forked-from': pathOf(job), 'content-type': 'application/json' };
    expect((await call('PUT', '/v1/stream/fork', undefined, fork)).status).toBe(405);
  });

  it('numbers what comes without a number, also the same a hundred times at once', async () => {
    const job = await jobs.run();
    const answers = await Promise.all(Array.from({ length: 100 }, () => post(job, { same: true })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    expect((await itemsOf(job)).map(({ sequence }) => sequence)).toEqual(answers.map((_, i) => i));
  });

  it('stores batches of a producer once and in order, and tells who is behind or missing', async () => {
    const job = await jobs.run();
    const a = { text: 'a' };
    expect((await post(job, a, producer(0, 0))).status).toBe(200);
    expect((await post(job, a, producer(0, 0))).status).toBe(204);
    expect((await post(job, { text: 'b' }, producer(0, 1))).status).toBe(200);
    // One message a batch: its Producer-Seq is the sequence, whichever way it is sent again.
    expect((await itemsOf(job)).map(({ sequence }) => sequence)).toEqual([0, 1]);
    const again = await jobs.call('POST', `/${job.id}/channels/c/messages`, { sequence: 1, text: 'b' });
    expect(again).toMatchObject({ status: 201, body: { index: 2 } });

    const gap = await post(job, a, producer(0, 4));
    expect(codeOf(gap)).toEqual([409, 'producer_gap']);
    expect(gap.headers.get('producer-expected-seq')).toBe('2');
    const other = await post(job, { text: 'other' }, producer(0, 1));
    expect(codeOf(other)).toEqual([409, 'sequence_conflict']);
    expect(other.headers.get('producer-expected-seq')).toBe('1');

    const several = ['c', 'd', 'e'];
    const [c, d] = [{ text: 'c' }, { text: 'd' }];
    expect((await post(job, [a, c], producer(0, 1))).status).toBe(409);
    expect((await post(job, several, producer(0, 2))).status).toBe(200);
    expect((await post(job, several, producer(0, 2))).status).toBe(204);
    expect((await post(job, [...several, 'f'], producer(0, 2))).status).toBe(409);
    expect((await post(job, a, producer(0, 0))).status).toBe(204);
    expect((await post(job, { text: 'f' }, producer(0, 3))).status).toBe(200);
    expect((await post(job, { text: 'f' }, producer(0, 3))).status).toBe(204);
    // All at once, in the wrong order: each is stored once, or told what is missing.
    const rest = [6, 5, 4, 5, 4].map((seq) => post(job, [seq, seq], producer(0, seq)));
    const told = (await Promise.all(rest)).map(({ status }) => status);
    expect(told.filter((status) => status === 200).length).toBeLessThanOrEqual(3);
    for (const seq of [4, 5, 6]) await post(job, [seq, seq], producer(0, seq));
    const stored = ['a', 'b', '"c"', '"d"', '"e"', 'f', '4', '4', '5', '5', '6', '6'];
    expect(await textsOf(job)).toEqual(stored);

    expect(codeOf(await post(job, d, producer(1, 1)))).toEqual([400, 'invalid_producer']);
    expect((await post(job, d, producer(1, 0))).status).toBe(200);
    const fenced = await post(job, d, producer(0, 7));
    expect(codeOf(fenced)).toEqual([403, 'producer_fenced']);
    expect(fenced.headers.get('producer-epoch')).toBe('1');
    expect(await textsOf(job)).toEqual([...stored, 'd']);
    const { body } = await jobs.call('GET', `/${job.id}/channels/c`);
    const next = await jobs.call('POST', `/${job.id}/channels/c/messages`, {
      sequence: Number(body.sequence) + 1,
      text: 'by REST',
    });
    expect(next.status).toBe(201);
    // Another side has numbers of its own.
    expect((await post(job, a, { ...producer(0, 0), ...as(job) })).status).toBe(200);
  });

  it('is closed when both sides have ended; who has ended may say so again, and nothing else', async () => {
    const job = await jobs.run();
    const close = { 'stream-closed': 'true' };
    const first = await post(job, { text: 'bye' }, close);
    expect([first.status, first.headers.get('stream-closed')]).toEqual([204, null]);
    expect((await call('POST', pathOf(job), undefined, close)).next).toBe(first.next);
    const late = await post(job, { text: 'more' });
    expect(codeOf(late)).toEqual([409, 'sender_ended']);
    expect([late.headers.get('stream-closed'), late.next]).toEqual(['true', first.next]);
    const waiting = call('GET', pathOf(job, `?offset=${first.next}&live=long-poll`));
    const last = await call('POST', pathOf(job), undefined, { ...close, ...as(job) });
    expect(last.headers.get('stream-closed')).toBe('true');
    const polled = await waiting;
    expect(JSON.parse(polled.text)).toMatchObject([{ index: 3, type: 'end' }]);
    expect(polled.headers.get('stream-closed')).toBe('true');
    const known = await call('GET', pathOf(job));
    const etag = known.headers.get('etag') ?? '';
    expect((await call('GET', pathOf(job), undefined, { 'if-none-match': etag })).status).toBe(304);
    expect((await call('GET', pathOf(job, `?offset=${last.next}&live=sse`))).text).toContain(
      '"streamClosed":true',
    );
    expect((await itemsOf(job)).map(({ type }) => type)).toEqual(['data', 'end', 'end']);

    const other = await jobs.run();
    const followed = call('GET', pathOf(other, '?offset=-1&live=sse&as=text'));
    await post(other, { text: 'last words' });
    await jobs.close(other);
    expect((await followed).text).toMatch(/last words.*"streamClosed":true/s);
    expect((await call('HEAD', pathOf(other))).headers.get('stream-closed')).toBe('true');
    expect(codeOf(await post(other, '1'))).toEqual([409, 'channel_closed']);
    await waitUntil('its removal', async () => (await call('HEAD', pathOf(other))).status === 410);
  });

  it('is read by who may, for as long as they may', async () => {
    const executor_type = 'leased';
    const wanted = { name: 'job', executor_type, channels: [{ name: 'c' }], max_exec_ms: 1_500 };
    await jobs.call('POST', '', wanted);
    const job = await jobs.take(executor_type);
    const { id, key } = await observer(job);
    expect(codeOf(await call('POST', pathOf(job), 1, {}, key))).toEqual([403, 'forbidden']);
    const { body } = await weir.operator('POST', '/projects', { name: 'other' });
    const { api_key: foreign } = body as { api_key: string };
    expect(codeOf(await call('GET', pathOf(job), undefined, {}, foreign))).toEqual([
      404,
      'process_not_found',
    ]);
    expect(codeOf(await call('GET', pathOf(job, '', 'none')))).toEqual([404, 'channel_not_found']);
    expect((await call('GET', pathOf(job, '?offset=0000000000000009'))).status).toBe(400);

    await post(job, { text: 'a' });
    const observed = call('GET', pathOf(job, '?offset=-1&live=sse&as=text'), undefined, {}, key);
    const executed = call('GET', pathOf(job, '?offset=-1&live=sse'), undefined, as(job));
    await jobs.call('POST', `/${job.id}/observers`, { remove: [id] });
    await post(job, { text: 'secret' });
    expect((await observed).text).not.toContain('secret');
    // Taken back: what the executor follows ends, and it is told so when it comes back.
    expect((await executed).text).not.toContain('streamClosed');
    const stale = await post(job, '1', { ...as(job), ...producer(0, 3) });
    expect(codeOf(stale)).toEqual([409, 'stale_attempt']);
    expect(stale.headers.get('producer-expected-seq')).toBe('3');
  });

  it('begins with the oldest message kept, and tells an offset before it where to go on', async () => {
    const job = await jobs.run({ channels: [{ name: 'c', retention: 'trim' }] });
    const [start, many] = [await call('HEAD', pathOf(job)), Array.from({ length: 9_999 }, (_, n) => n)];
    expect((await post(job, many)).status).toBe(204);
    expect((await post(job, many.slice(0, 50), as(job))).status).toBe(204);
    const expired = await waitUntil('the trimming', async () => {
      const answer = await call('GET', pathOf(job, `?offset=${start.next}`));
      return answer.status === 410 ? answer : null;
    });
    expect(JSON.parse(expired.text)).toMatchObject({ code: 'cursor_expired', oldest: 50 });
    const first = await call('GET', pathOf(job, `?offset=${expired.next}`));
    expect(JSON.parse(first.text)[0]).toMatchObject({ index: 50 });
    // In several pages, none larger than asked for by much.
    const indexes: number[] = [];
    for (let offset: string | null = '-1'; offset !== null; ) {
      const page = await call('GET', pathOf(job, `?offset=${offset}`));
      expect(page.text.length).toBeLessThan(1.1 * 1024 * 1024);
      for (const { index } of JSON.parse(page.text)) indexes.push(index);
      offset = page.headers.get('stream-up-to-date') === 'true' ? null : page.next;
    }
    expect(indexes).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 50));
  });
});

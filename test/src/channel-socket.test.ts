/** Channels over a WebSocket. The numbers are those of the rules in docs/protocols/channels-websocket.md. */
import { randomBytes } from 'node:crypto';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { appendFrame, ChannelClient, type Item, withLength } from './harness/channel-client.js';
import { type Job, Jobs } from './harness/jobs.js';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
let jobs: Jobs;
const clients: ChannelClient[] = [];
const MIB = 1024 * 1024;

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_USAGE_SINKS: 'file' }).start();
  jobs = new Jobs(weir);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => await weir?.dispose());

async function connect(key = weir.key): Promise<ChannelClient> {
  const client = await ChannelClient.connect(weir.url, key);
  clients.push(client);
  return client;
}

const item = (sequence: number, payload: string | Uint8Array = `m${sequence}`, more: object = {}): Item => [
  { sequence, ...more },
  payload,
];
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Another API key of the project. */
async function otherKey(scopes: readonly string[]): Promise<{ id: string; key: string }> {
  const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { name: 'other', scopes });
  const { id, api_key: key } = body as { id: string; api_key: string };
  return { id, key };
}

describe('the connection', () => {
  it('needs a key with the scope, an upgrade, and a page that may (rule 1)', async () => {
    const url = `${weir.url}/api/v1/channels`;
    const authorization = `Bearer ${weir.key}`;
    const { key } = await otherKey(['process']);
    const refused = await Promise.all([
      ChannelClient.attempt(url),
      ChannelClient.attempt(url, { authorization: `Bearer ${weir.token}` }),
      ChannelClient.attempt(url, { authorization: `Bearer ${key}` }),
      ChannelClient.attempt(url, { authorization, origin: 'https://evil.example' }),
      ChannelClient.attempt(`${url}?ticket=1`, { authorization }),
    ]);
    expect(refused).toMatchObject([
      { status: 401, body: { code: 'unauthorized' } },
      { status: 401, body: { code: 'unauthorized' } },
      { status: 403, body: { code: 'insufficient_scope' } },
      { status: 403, body: { code: 'origin_not_allowed' } },
      { status: 400, body: { code: 'invalid_request' } },
    ]);
    const { status, text } = await weir.request('GET', '/api/v1/channels', { headers: { authorization } });
    expect([status, JSON.parse(text).code]).toEqual([426, 'upgrade_required']);
  });

  it('takes frames up to 16 MiB, and asks and is asked whether somebody is there (rules 2, 4)', async () => {
    const client = await connect();
    expect(await client.ask({ op: 'ping' }, 'pong')).toEqual({ op: 'pong' });
    const job = await jobs.run();
    await client.open(1, job.id, 'c', { read: false });
    const whole = [item(1, Buffer.alloc(10 * MIB)), item(2, Buffer.alloc(5 * MIB))];
    expect(await client.append(1, ...whole)).toMatchObject({ op: 'appended', count: 2 });
    client.send(Buffer.alloc(16 * MIB + 1, 1));
    expect(await waitUntil('the end', () => client.closed)).toBe(1009);
  });

  it('leaves one usage record, with what it appended and was given (rule 5)', async () => {
    const rid = `socket-${Date.now()}`;
    const headers = { authorization: `Bearer ${weir.key}`, 'x-request-id': rid };
    const client = await ChannelClient.attempt(`${weir.url}/api/v1/channels`, headers);
    if (!(client instanceof ChannelClient)) throw new Error('refused');
    const job = await jobs.run();
    await client.open(1, job.id, 'c');
    await client.append(1, ...upTo(30).map((n) => item(n, 'x'.repeat(5_000))));
    await waitUntil('all', () => client.messages(1).length === 30);
    client.socket.close();
    const record = await waitUntil('the record', () => usageFile(weir).find((line) => line.rid === rid));
    expect(record).toMatchObject({
      src: 'ws',
      stack: 'channel:GET /api/v1/channels',
      http_status: 101,
      status: 'ok',
      fuel: 10 + 30 + 2 + 3,
      tenant: weir.project,
    });
  });
});

describe('opening', () => {
  it('tells where the channel and the caller are, and history comes after it, then what is live (rules 6, 7, 16)', async () => {
    const job = await jobs.run();
    const [ann, bob] = [await connect(), await connect()];
    const max_payload = 10 * 2 ** 20;
    const empty = { op: 'opened', ch: 7, sequence: null, last_index: 0, attempt: 1, max_payload };
    expect(await ann.open(7, job.id, 'c')).toEqual({ ...empty, role: 'submitter' });
    for (const n of [3, 5]) await ann.append(7, item(n));
    const { assignment } = job;
    const ch = 0xffff_ffff;
    expect(await bob.open(ch, job.id, 'c', { assignment })).toEqual({
      ...empty,
      ch,
      last_index: 2,
      role: 'executor',
    });
    await bob.append(
      ch,
      item(9, 'reply', { in_reply_to: 1, content_type: 'text/"x"', type: 'error', error: 'é' }),
    );
    for (const [client, own] of [
      [ann, 7],
      [bob, ch],
    ] as const) {
      await waitUntil('all three', () => client.messages(own).length === 3);
      expect(client.texts(own)).toEqual(['m3', 'm5', 'reply']);
      expect(client.messages(own)[2]).toEqual({
        index: 3,
        sequence: 9,
        in_reply_to: 1,
        timestamp: expect.any(Number),
        sender_id: expect.stringMatching(/^executor#1:/),
        attempt: 1,
        type: 'error',
        content_type: 'text/"x"',
        error: 'é',
        payload: Buffer.from('reply'),
      });
    }
    const later = await ann.open(8, job.id, 'c', { after: 1 });
    expect(later).toMatchObject({ op: 'opened', sequence: 5, last_index: 3 });
    await waitUntil('two', () => ann.messages(8).length === 2);
    expect(ann.indexes(8)).toEqual([2, 3]);
  });

  it('lets observers read, and refuses others, each with its code (rules 6, 20)', async () => {
    const job = await jobs.run();
    const { id, key } = await otherKey(['channel', 'process']);
    const client = await connect(key);
    const forbidden = { op: 'error', ch: 1, of: 'open', code: 'forbidden', detail: expect.any(String) };
    expect(await client.open(1, job.id, 'c')).toMatchObject(forbidden);
    await jobs.call('POST', `/${job.id}/observers`, { add: [id] });
    expect(await client.open(1, job.id, 'c')).toMatchObject({ role: 'observer', sequence: null });
    expect(await client.append(1, item(1))).toMatchObject({ of: 'append', sequence: 1, code: 'forbidden' });
    const own = await connect();
    await own.open(1, job.id, 'c', { read: false });
    await own.append(1, item(1));
    await waitUntil('the message', () => client.messages(1).length === 1);
    expect(own.messages(1)).toEqual([]);
    const nowhere = '01a20000-0000-7000-8000-000000000000';
    expect(await own.open(2, nowhere, 'c')).toMatchObject({ code: 'process_not_found' });
    expect(await own.open(2, job.id, 'd')).toMatchObject({ code: 'channel_not_found' });
    expect(await own.open(2, job.id, 'c', { assignment: 'x' })).toMatchObject({ code: 'forbidden' });
    expect(await own.open(2, job.id, 'c', { colour: 1 })).toMatchObject({
      code: 'invalid_request',
      of: 'open',
    });
    const { body } = await weir.operator('POST', '/projects', { name: 'neighbour' });
    const stranger = await connect((body as { api_key: string }).api_key);
    expect(await stranger.open(1, job.id, 'c')).toMatchObject({ code: 'process_not_found' });
  });

  it('is of up to 1,000 channels a connection, each number once (rule 8)', async () => {
    const job = await jobs.run();
    const client = await connect();
    for (const ch of upTo(1000)) client.send({ op: 'open', ch, process: job.id, channel: 'c' });
    await waitUntil('all', () => client.controls.filter(({ op }) => op === 'opened').length === 1000);
    const limit = { ch: 1001, code: 'too_many_channels_open', limit: 1000 };
    expect(await client.open(1001, job.id, 'c')).toMatchObject(limit);
    expect(await client.open(5, job.id, 'c')).toMatchObject({ ch: 5, code: 'already_open' });
    await client.append(3, item(1, 'to all'));
    await waitUntil('all of them', () => upTo(1000).every((ch) => client.messages(ch).length === 1));
    await client.ask({ op: 'close', ch: 5 }, 'done');
    expect(await client.open(1001, job.id, 'c')).toMatchObject({ op: 'opened' });
  });

  it('need not be waited for, and what is appended before goes the way it goes (rule 9)', async () => {
    const job = await jobs.run();
    const client = await connect();
    client.send({ op: 'open', ch: 1, process: job.id, channel: 'c' });
    for (const n of upTo(20)) client.put(1, item(n));
    client.send({ op: 'open', ch: 2, process: job.id, channel: 'none' });
    client.put(2, item(1));
    await waitUntil('all', () => client.messages(1).length === 20);
    expect(client.texts(1)).toEqual(upTo(20).map((n) => `m${n}`));
    const told = await client.next(0, ({ ch, sequence }) => ch === 2 && sequence === 1);
    expect(told).toMatchObject({ op: 'error', of: 'append', code: 'channel_not_found' });
    // Frames that are on their way when the client sees the refusal get its code too.
    client.put(2, item(2));
    const later = await client.next(0, ({ ch, sequence }) => ch === 2 && sequence === 2);
    expect(later).toMatchObject({ op: 'error', of: 'append', code: 'channel_not_found' });
  });
});

describe('appending', () => {
  it('keeps every byte, of one message or a batch, in any number of frames (rules 10, 11, 14)', async () => {
    const job = await jobs.run();
    const client = await connect();
    await client.open(1, job.id, 'c', { credit: 100 * MIB });
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const large = randomBytes(3 * MIB);
    const answer = await client.append(1, item(1, every), item(2, ''), item(3, large, { type: 'data' }));
    expect(answer).toEqual({
      op: 'appended',
      ch: 1,
      sequence: 1,
      index: 1,
      timestamp: expect.any(Number),
      count: 3,
    });
    client.put(1, ...upTo(40).map((n) => item(3 + n, randomBytes(100_000))));
    await waitUntil('all', () => client.messages(1).length === 43);
    const [first, second, third] = client.messages(1);
    expect(first?.payload.equals(every)).toBe(true);
    expect(second?.payload.length).toBe(0);
    expect(third?.payload.equals(large)).toBe(true);
    const alone = client.largest;
    expect(alone).toBeGreaterThan(3 * MIB);
    await client.open(2, job.id, 'c', { after: 3, credit: 100 * MIB });
    client.largest = 0;
    await waitUntil('all again', () => client.messages(2).length === 40);
    expect(client.largest).toBeLessThanOrEqual(MIB);
  });

  it('sent again gets its first answer; in part, with all indexes (rule 11)', async () => {
    const job = await jobs.run();
    const client = await connect();
    await client.open(1, job.id, 'c', { read: false });
    const first = await client.append(1, item(1));
    await jobs.call('POST', `/${job.id}/channels/c/messages`, {
      sequence: 1,
      text: 'between',
      assignment: job.assignment,
    });
    expect(await client.append(1, item(1))).toEqual(first);
    const { timestamp } = first;
    const both = { op: 'appended', ch: 1, sequence: 1, index: 1, timestamp, count: 2, indexes: [1, 3] };
    expect(await client.append(1, item(1), item(2))).toEqual(both);
    const refused = { op: 'error', ch: 1, of: 'append', sequence: 1 };
    expect(await client.append(1, item(1, 'other'))).toMatchObject({ ...refused, code: 'sequence_conflict' });
    expect(await client.append(1, item(3), item(3))).toMatchObject({ code: 'sequence_out_of_order' });
    expect(await client.append(1, item(4), item(5, '', { in_reply_to: 9 }))).toMatchObject({
      sequence: 4,
      code: 'invalid_in_reply_to',
    });
    expect(await client.append(1, item(6, Buffer.alloc(10 * MIB + 1)))).toMatchObject({
      code: 'message_too_large',
      limit: 10 * MIB,
    });
    expect(await client.append(1, item(7))).toMatchObject({ op: 'appended', index: 4 });
  });

  it('keeps its order while it is told to slow down, sent again as it says (rule 12)', async () => {
    const job = await jobs.run();
    const client = await connect();
    await client.open(1, job.id, 'c');
    // 900 at once: a sender has 500, and 100 a second.
    const stored = new Set<number>();
    const codes = new Set<string>();
    let waiting = upTo(900);
    while (waiting.length > 0) {
      const from = client.controls.length;
      for (const n of waiting) client.put(1, item(n));
      await waitUntil('all answers', () => client.controls.length >= from + waiting.length);
      const answers = client.controls.slice(from);
      for (const { op, sequence, code, retry_after_ms } of answers) {
        if (op === 'appended') stored.add(Number(sequence));
        else codes.add(String(code));
        if (code === 'rate_limited') expect(retry_after_ms).toBeGreaterThan(0);
      }
      waiting = waiting.filter((n) => !stored.has(n));
    }
    expect([...codes].toSorted()).toEqual(['earlier_refused', 'rate_limited']);
    await waitUntil('all', () => client.messages(1).length === 900);
    expect(client.messages(1).map(({ sequence }) => sequence)).toEqual(upTo(900));
  });

  it('answers all of thousands that are sent at once (rule 13)', async () => {
    const client = await connect();
    const small = await jobs.run();
    await client.open(9, small.id, 'c', { read: false });
    for (const n of upTo(3000)) client.put(9, item(n, '', { type: 'data' }));
    const answered = () => client.controls.filter(({ ch, sequence }) => ch === 9 && sequence !== undefined);
    const all = await waitUntil('3,000 answers', () => (answered().length >= 3001 ? answered() : null));
    expect(all.filter(({ op }) => op === 'appended').length).toBeGreaterThanOrEqual(500);
  });
});

describe('while nothing can be stored', () => {
  let database: TestDatabase;
  let server: WeirProcess;
  beforeAll(async () => {
    database = await testServer();
    server = await new WeirProcess({ WEIR_POSTGRES_URL: database.url }).start();
  });
  afterAll(async () => {
    await server?.dispose();
    await database?.close();
  });

  it('16 MiB are taken of a client, and the rest stays with it (rule 13)', async () => {
    const job = await new Jobs(server).run({ channels: upTo(8).map((n) => ({ name: `c${n}` })) });
    // It forgets the process, and asks PostgreSQL for it before it stores anything.
    await server.kill();
    await server.start();
    const client = await ChannelClient.connect(server.url, server.key);
    clients.push(client);
    const lock = 'lock table processes in access exclusive mode; perform pg_sleep(20)';
    const locked = database.query(`do $$ begin ${lock}; end $$`).catch(() => {});
    const held = async () =>
      (
        await database.query(
          "select pid from pg_locks where mode = 'AccessExclusiveLock' and granted and relation = 'processes'::regclass",
        )
      )[0];
    const { pid } = await waitUntil('the lock', async () => (await held()) ?? null);
    for (const ch of upTo(8))
      client.send({ op: 'open', ch, process: job.id, channel: `c${ch}`, read: false });
    let taken = 0;
    const payload = Buffer.alloc(MIB, 1);
    const frames = upTo(12).flatMap((n) => upTo(8).map((ch) => appendFrame(ch, item(n, payload))));
    const sending = (async () => {
      for (const frame of frames) {
        await new Promise<unknown>((resolve) => client.socket.send(frame, resolve));
        taken += 1;
      }
    })();
    // What is gone from here is with the server, or between: kernels hold some.
    await waitUntil('what it takes', () => taken >= 16);
    const until = Date.now() + 1_000;
    await waitUntil('more, which there is not', () => Date.now() > until);
    expect(taken).toBeLessThan(48);
    expect(client.socket.bufferedAmount).toBeGreaterThan(0);
    expect(client.controls).toEqual([]);
    await database.query('select pg_cancel_backend($1)', [pid]);
    await Promise.all([sending, locked]);
    const appended = () => client.controls.filter(({ op }) => op === 'appended');
    await waitUntil('all answers', () => appended().length === 96);
    expect(client.controls.filter(({ op }) => op === 'error')).toEqual([]);
  });
});

describe('reading', () => {
  it('goes as far as its credit, and holds nobody up (rules 14, 15)', async () => {
    const job = await jobs.run({ channels: [{ name: 'c' }, { name: 'd' }] });
    const client = await connect();
    await client.open(1, job.id, 'c', { credit: 0 });
    await client.open(2, job.id, 'c', { credit: 1 });
    await client.open(3, job.id, 'd');
    for (const n of upTo(10)) await client.append(1, item(n, 'x'.repeat(1_000)));
    await client.append(3, item(1, 'elsewhere'));
    await waitUntil('the other channel', () => client.messages(3).length === 1);
    await waitUntil('one frame', () => client.messages(2).length > 0);
    expect(client.messages(1)).toEqual([]);
    // One frame passes the credit; then there is none until all of it is paid back.
    const passed = client.messages(2).length;
    client.send({ op: 'credit', ch: 2, bytes: client.bytes(2) - 1 });
    await client.ask({ op: 'ping' }, 'pong');
    expect(client.messages(2).length).toBe(passed);
    client.send({ op: 'credit', ch: 2, bytes: MIB });
    await waitUntil('the rest', () => client.messages(2).length === 10);
    client.send({ op: 'credit', ch: 1, bytes: MIB });
    await waitUntil('all', () => client.messages(1).length === 10);
    expect([client.indexes(1), client.indexes(2)]).toEqual([upTo(10), upTo(10)]);
  });

  it('that takes nothing for long is told where to go on, and the channel stays open (rules 17, 18)', async () => {
    const job = await jobs.run();
    const [slow, fast] = [await connect(), await connect()];
    await slow.open(1, job.id, 'c', { credit: 1 });
    await fast.open(1, job.id, 'c', { credit: 100 * MIB });
    await slow.append(1, item(1, 'first'));
    await waitUntil('the first', () => slow.messages(1).length === 1);
    for (let n = 2; n <= 20; n += 1)
      expect(await fast.append(1, item(n, Buffer.alloc(MIB)))).toMatchObject({ op: 'appended' });
    const told = await slow.next(0, ({ op }) => op === 'error');
    expect(told).toMatchObject({ ch: 1, of: 'reading', code: 'subscriber_too_slow', cursor: 1 });
    await waitUntil('all at the fast one', () => fast.messages(1).length === 20);
    expect(await slow.append(1, item(21))).toMatchObject({ op: 'appended', index: 21 });
    slow.send({ op: 'credit', ch: 1, bytes: 100 * MIB });
    expect(await slow.ask({ op: 'read', ch: 1, after: told.cursor }, 'reading')).toEqual({
      op: 'reading',
      ch: 1,
    });
    const again = await slow.ask({ op: 'read', ch: 1, after: 0 }, 'error');
    expect(again).toMatchObject({ ch: 1, of: 'read', code: 'already_reading' });
    await waitUntil('the rest', () => slow.messages(1).length === 21);
    expect(slow.indexes(1)).toEqual(upTo(21));
  });

  it('of an executor ends at once when another gets the process (rule 17)', async () => {
    const executor_type = 'leased-socket';
    const wanted = { name: 'job', executor_type, channels: [{ name: 'c' }], max_exec_ms: 1_500 };
    await jobs.call('POST', '', wanted);
    const first = await jobs.take(executor_type);
    const [old, submitter] = [await connect(), await connect()];
    await old.open(1, first.id, 'c', { assignment: first.assignment, credit: 1 });
    await submitter.open(1, first.id, 'c');
    await submitter.append(1, item(1, 'x'.repeat(100)));
    await submitter.append(1, item(2, 'never seen'));
    const told = await old.next(0, ({ op }) => op === 'error');
    expect(told).toMatchObject({ ch: 1, of: 'reading', code: 'stale_attempt' });
    old.send({ op: 'credit', ch: 1, bytes: MIB });
    expect(await old.append(1, item(1))).toMatchObject({ code: 'stale_attempt', sequence: 1 });
    expect(old.texts(1)).not.toContain('never seen');
    const second = await jobs.take(executor_type);
    const open = await old.open(2, second.id, 'c', { assignment: second.assignment });
    expect(open).toMatchObject({ role: 'executor', attempt: 2, sequence: null });
    await old.append(2, item(1, 'from the new one'));
    await waitUntil('it', () => submitter.messages(1).length === 3);
    expect(submitter.messages(1).map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
  });

  it('ends with how the channel did, after the last entry and all answers (rules 19, 21)', async () => {
    const job = await jobs.run();
    const { assignment } = job;
    const client = await connect();
    await client.open(1, job.id, 'c');
    await client.open(2, job.id, 'c', { assignment });
    await client.open(3, job.id, 'c', { read: false });
    client.put(2, item(1), item(2, '', { type: 'end' }));
    client.put(1, item(1));
    client.put(1, item(2, 'bye', { type: 'end' }));
    client.put(1, item(2, 'bye', { type: 'end' }));
    const end = await client.next(0, ({ op, ch }) => op === 'closed' && ch === 1);
    expect(end).toEqual({ op: 'closed', ch: 1, reason: 'ended', last_index: 4 });
    await client.next(0, ({ op, ch }) => op === 'closed' && ch === 2);
    expect([client.indexes(1), client.indexes(2)]).toEqual([upTo(4), upTo(4)]);
    const ofFirst = client.controls.filter(({ ch }) => ch === 1).map(({ op }) => op);
    expect(ofFirst).toEqual(['opened', 'appended', 'appended', 'appended', 'closed']);
    // What comes late for it is dropped, and the number is free.
    client.put(1, item(3));
    client.send({ op: 'credit', ch: 1, bytes: 1 });
    expect(await client.ask({ op: 'close', ch: 1 }, 'done')).toEqual({ op: 'done', ch: 1 });
    expect(await client.append(3, item(2, 'bye', { type: 'end' }))).toMatchObject({ op: 'appended' });
    expect(await client.append(3, item(3))).toMatchObject({ code: 'sender_ended' });
    expect(await client.open(1, job.id, 'c', { after: 3 })).toMatchObject({ op: 'opened', last_index: 4 });
    await client.next(client.controls.length - 1, ({ op, ch }) => op === 'closed' && ch === 1);
    for (const frame of [
      { op: 'credit', ch: 77, bytes: 1 },
      { op: 'read', ch: 77, after: 0 },
    ])
      expect(await client.ask(frame, 'error')).toMatchObject({ code: 'channel_not_open', of: frame.op });
    expect(await client.append(77, item(1))).toMatchObject({ code: 'channel_not_open', of: 'append' });
  });
});

describe('wrong frames, closing', () => {
  it('cost nobody anything: the connection and its channels stay (rules 10, 20)', async () => {
    const job = await jobs.run();
    const client = await connect();
    await client.open(1, job.id, 'c');
    const head = Buffer.from([1, 0, 0, 0, 1]);
    const frames: [object | Uint8Array | string, object][] = [
      ['{', { code: 'invalid_json' }],
      ['[]', { code: 'invalid_request' }],
      [{ op: 'dance' }, { code: 'invalid_request', of: 'dance' }],
      [
        { op: 'open', ch: -1, process: 'p', channel: 'c' },
        { code: 'invalid_request', of: 'open' },
      ],
      [
        { op: 'credit', ch: 1, bytes: 0 },
        { code: 'invalid_request', of: 'credit', ch: 1 },
      ],
      [
        { op: 'read', ch: 1 },
        { code: 'invalid_request', of: 'read', ch: 1 },
      ],
      [Buffer.of(), { code: 'invalid_frame' }],
      [Buffer.from([2, 0, 0, 0, 1]), { code: 'invalid_frame' }],
      [head.subarray(0, 4), { code: 'invalid_frame' }],
      [head, { code: 'invalid_frame' }],
      [Buffer.concat([head, Buffer.from([0, 0, 0])]), { code: 'invalid_frame' }],
      [Buffer.concat([head, Buffer.from([255, 255, 255, 255, 1])]), { code: 'invalid_frame' }],
      [Buffer.concat([head, withLength('{"sequence":1}')]), { code: 'invalid_frame' }],
      [Buffer.concat([head, withLength('{"sequence"'), withLength('')]), { code: 'invalid_frame' }],
      [Buffer.concat([head, withLength('[1]'), withLength('')]), { code: 'invalid_frame' }],
      [appendFrame(1, [{}, '']), { code: 'invalid_frame' }],
      [appendFrame(1, [{ sequence: '1' }, '']), { code: 'invalid_frame' }],
    ];
    const about = { code: 'invalid_message', ch: 1, of: 'append', sequence: 1 };
    for (const header of [
      { type: 'x' },
      { error: 5 },
      { in_reply_to: '1' },
      { content_type: null },
      { colour: 1 },
    ])
      frames.push([appendFrame(1, [{ sequence: 1, ...header }, '']), about]);
    frames.push([appendFrame(1, [{ sequence: 1 }, ''], [{ type: 'data' }, '']), about]);
    for (const sequence of [-1, 1.5, 2 ** 53])
      frames.push([appendFrame(1, [{ sequence }, '']), { ...about, sequence }]);
    const many = upTo(10_001).map((n): Item => [{ sequence: n }, '']);
    frames.push([appendFrame(1, ...many), { ...about, code: 'message_too_large' }]);
    for (const [frame, expected] of frames) {
      const from = client.controls.length;
      if (typeof frame === 'string') client.socket.send(frame);
      else client.send(frame);
      const told = await client.next(from, ({ op }) => op === 'error');
      const { code, ch, of, sequence } = told;
      const shown = (
        frame instanceof Uint8Array ? Buffer.from(frame).toString('latin1') : JSON.stringify(frame)
      ).slice(0, 100);
      expect(JSON.parse(JSON.stringify({ code, ch, of, sequence })), shown).toEqual(expected);
      expect(told.detail, shown).toEqual(expect.any(String));
    }
    expect(await client.append(1, item(1))).toMatchObject({ op: 'appended', index: 1 });
    await waitUntil('the message', () => client.messages(1).length === 1);
  });

  it('closing one ends its entries, after its answers, and frees its number (rule 22)', async () => {
    const job = await jobs.run();
    const client = await connect();
    await client.open(1, job.id, 'c');
    await client.open(2, job.id, 'c');
    for (const n of upTo(50)) client.put(1, item(n));
    await client.ask({ op: 'close', ch: 1 }, 'done');
    const mine = client.controls.filter(({ ch }) => ch === 1);
    expect(mine.map(({ op }) => op)).toEqual(['opened', ...upTo(50).map(() => 'appended'), 'done']);
    const seen = client.messages(1).length;
    await client.append(2, item(51));
    await waitUntil('all', () => client.messages(2).length === 51);
    expect(client.messages(1).length).toBe(seen);
    expect(await client.open(1, job.id, 'c', { after: 50 })).toMatchObject({ op: 'opened', sequence: 51 });
    client.send({ op: 'open', ch: 9, process: job.id, channel: 'c' });
    await client.ask({ op: 'close', ch: 9 }, 'done');
    expect(client.controls.at(-1)).toEqual({ op: 'done', ch: 9 });
    expect(await client.ask({ op: 'close', ch: 99 }, 'error')).toMatchObject({ code: 'channel_not_open' });
  });

  it('a server that stops says so; connections that break while they open channels leave nothing behind (rule 3)', async () => {
    const all: Job[] = [];
    for (let i = 0; i < 20; i += 1) all.push(await jobs.run());
    const told = await connect();
    await told.open(1, all[0]?.id ?? '', 'c');
    expect(told.closed).toBeNull();
    expect(await weir.stop()).toBe(0);
    expect(await waitUntil('the end', () => told.closed)).toBe(1001);
    // A server that has just started has to ask PostgreSQL for each of them.
    await weir.start('live');
    await waitUntil('PostgreSQL', async () => (await jobs.call('GET', '?limit=1')).status === 200);
    const client = await connect();
    for (const [ch, { id }] of all.entries()) client.send({ op: 'open', ch, process: id, channel: 'c' });
    const sent = new Promise((resolve) => client.socket.ping('', true, resolve));
    await sent;
    client.close();
    const stays = await connect();
    // Asked after all that were asked for before.
    for (const [ch, { id }] of all.entries()) await stays.open(ch, id, 'c', { read: ch === 0 });
    const { text } = await weir.request('GET', '/metrics');
    expect(text).toMatch(/^weir_channel_subscribers 1$/m);
  }, 60_000);
});

it('100 live subscribers resume exactly after kill -9, and the sender loses and repeats nothing', async () => {
  const all: Job[] = [];
  for (let i = 0; i < 10; i += 1) all.push(await jobs.run());
  const seen = new Map<string, string[]>();
  const last = new Map<string, number>();
  const readers = upTo(100).map((n) => ({ ch: n, job: all[n % 10] as Job, name: `reader ${n}` }));
  const sent = new Map(all.map(({ id }) => [id, [] as string[]]));
  const unanswered = new Map(all.map(({ id }) => [id, new Map<number, string>()]));

  /** Connects, reads on with all readers, sends again what has no answer, and more, until killed or told to stop. */
  const serve = async (until: () => boolean): Promise<void> => {
    // PostgreSQL comes up a moment after the server.
    await waitUntil('it', async () => (await jobs.call('GET', `/${all[0]?.id}`)).status === 200);
    const [reading, writing] = [await connect(), await connect()];
    const count = new Map<number, number>();
    const keep = () => {
      for (const { ch, name } of readers) {
        const from = count.get(ch) ?? 0;
        const fresh = reading.messages(ch).slice(from);
        count.set(ch, from + fresh.length);
        seen.set(name, [...(seen.get(name) ?? []), ...fresh.map(({ payload }) => payload.toString())]);
        last.set(name, fresh.at(-1)?.index ?? last.get(name) ?? 0);
      }
    };
    for (const { ch, job, name } of readers)
      reading.send({ op: 'open', ch, process: job.id, channel: 'c', after: last.get(name) ?? 0 });
    for (const [i, { id }] of all.entries()) await writing.open(i, id, 'c', { read: false });
    let read = 0;
    const answers = () => {
      for (const { op, ch, sequence } of writing.controls.slice(read))
        if (op === 'appended') unanswered.get(all[ch ?? 0]?.id ?? '')?.delete(sequence ?? 0);
      read = writing.controls.length;
    };
    for (const [i, { id }] of all.entries())
      for (const [sequence, text] of unanswered.get(id) ?? []) writing.put(i, item(sequence, text));
    while (!until() && writing.closed === null) {
      for (const [i, { id }] of all.entries()) {
        const texts = sent.get(id) ?? [];
        const open = unanswered.get(id);
        if ((open?.size ?? 0) > 8) continue;
        texts.push(`${id} ${texts.length + 1}`);
        open?.set(texts.length, texts.at(-1) ?? '');
        writing.put(i, item(texts.length, texts.at(-1)));
      }
      await waitUntil('an answer', () => writing.controls.length > read || writing.closed !== null);
      answers();
    }
    const isDone = () => {
      answers();
      return writing.closed !== null || [...unanswered.values()].every(({ size }) => size === 0);
    };
    await waitUntil('all answers', isDone);
    const isRead = () =>
      readers.every(({ ch, job, name }) => {
        const total = (seen.get(name)?.length ?? 0) + reading.messages(ch).length - (count.get(ch) ?? 0);
        return total >= (sent.get(job.id)?.length ?? 0);
      });
    await waitUntil('all messages', () => reading.closed !== null || isRead());
    keep();
  };
  const total = () => [...sent.values()].reduce((sum, { length }) => sum + length, 0);
  for (const goal of [400, 800]) {
    const serving = serve(() => false);
    await waitUntil(`${goal} messages`, () => total() > goal);
    await weir.kill();
    await serving;
    await weir.start('live');
  }
  await serve(() => total() > 1200);
  for (const { job, name } of readers) expect(seen.get(name), name).toEqual(sent.get(job.id));
}, 120_000);

/** Channels over HTTP and event streams: both sides talk, in one order, and are told by code what they may not. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChannelClient } from './harness/channel-client.js';
import { EventStream } from './harness/event-stream.js';
import { type Job, Jobs } from './harness/jobs.js';
import { usageFile } from './harness/usage-file.js';
import { WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));

let weir: WeirProcess;
let jobs: Jobs;
const streams: EventStream[] = [];
/** Open from the first test to the one about silence: it is waited for once, while the others run. */
let silent: EventStream;
const KIB = 1024;
const MIB = 1024 * KIB;

beforeAll(async () => {
  weir = await new WeirProcess({ WEIR_USAGE_SINKS: 'file' }).start();
  jobs = new Jobs(weir);
  silent = await open(await jobs.run());
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});
afterAll(async () => {
  silent?.close();
  await weir?.dispose();
});

const as = ({ assignment }: Job) => ({ 'weir-assignment': assignment });
const path = ({ id }: Job, rest = '/messages', name = 'c') => `/${id}/channels/${name}${rest}`;
const send = (job: Job, body: unknown, headers: Record<string, string> = {}, name = 'c') =>
  jobs.call('POST', path(job, '/messages', name), body, headers);
const read = async (job: Job, search = '?as=text', headers: Record<string, string> = {}) =>
  (await jobs.call('GET', path(job) + search, undefined, headers)).body;

async function open(
  job: Job,
  search = '?as=text',
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const url = `${weir.url}/api/v1/processes${path(job, '/subscribe')}${search}`;
  return await EventStream.open(url, { authorization: `Bearer ${weir.key}`, ...headers });
}

/** A stream until the end of the test. */
async function subscribe(...of: Parameters<typeof open>): Promise<EventStream> {
  const stream = await open(...of);
  streams.push(stream);
  return stream;
}

/** Another API key of the project. */
async function otherKey(scopes: readonly string[]): Promise<{ id: string; jobs: Jobs; key: string }> {
  const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { name: 'other', scopes });
  const { id, api_key: key } = body as { id: string; api_key: string };
  return { id, key, jobs: new Jobs(weir, key) };
}

describe('messages', () => {
  it('of both sides come in one order, as they were sent, one or a batch', async () => {
    const job = await jobs.run();
    const hello = await send(job, { sequence: 0, text: 'grüße' });
    expect(hello).toMatchObject({ status: 201, body: { index: 1 } });
    const bytes = Buffer.from([0, 255, 254, 10]);
    const batch = await send(
      job,
      {
        messages: [
          { sequence: 5, payload: bytes.toString('base64'), content_type: 'image/x', in_reply_to: 1 },
          { sequence: 7, type: 'error', error: 'it broke' },
        ],
      },
      as(job),
    );
    expect(batch).toMatchObject({ status: 201, body: { messages: [{ index: 2 }, { index: 3 }] } });
    const inBody = await send(job, { sequence: 9, type: 'end', assignment: job.assignment });
    expect(inBody.body).toMatchObject({ index: 4 });
    const timestamp = hello.body.timestamp;
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    const [submitter, executor] = [/^submitter:/, /^executor#1:/].map((form) => expect.stringMatching(form));
    const text = { content_type: 'text/plain; charset=utf-8', type: 'data' };
    const second = { index: 2, sequence: 5, in_reply_to: 1, timestamp: expect.any(String), attempt: 1 };
    const expected = [
      { index: 1, sequence: 0, timestamp, sender_id: submitter, attempt: 1, ...text, text: 'grüße' },
      { ...second, sender_id: executor, type: 'data', content_type: 'image/x', payload: 'AP/+Cg==' },
      { index: 3, sequence: 7, type: 'error', error: 'it broke', text: '' },
      { index: 4, sequence: 9, type: 'end', text: '' },
    ];
    const page = await read(job);
    expect(page).toMatchObject({ messages: expected, next: 4 });
    const [first, , third] = page.messages as object[];
    expect(first).toEqual(expected[0]);
    expect(third).not.toHaveProperty('in_reply_to');
    expect(await read(job, '')).toMatchObject({
      messages: [{ payload: Buffer.from('grüße').toString('base64') }, {}, { payload: '' }, {}],
    });
    expect(await read(job, '?after=1&limit=2')).toMatchObject({
      messages: [{ index: 2 }, { index: 3 }],
      next: 3,
    });
    expect(await read(job, '?after=9')).toEqual({ messages: [], next: 9 });
  });

  it('are described with the channel, and with the part of who asks', async () => {
    const job = await jobs.run({ channels: [{ name: 'c' }, { name: 'd', direction: 'to_executor' }] });
    await send(job, { sequence: 3, text: 'a' });
    const stream = await subscribe(job);
    await waitUntil('the message', () => stream.messages.length === 1);
    const { body } = await jobs.call('GET', `/${job.id}/channels`);
    const me = expect.any(String);
    const all = { process_id: job.id, submitter_id: me, executor_id: me, attempt: 1, retention: 'reject' };
    const d = { ...all, id: `${job.id}_d`, name: 'd', direction: 'to_executor', entries: 0, last_index: 0 };
    const c = { ...all, id: `${job.id}_c`, name: 'c', direction: 'both', entries: 1, last_index: 1 };
    expect(body.channels).toEqual([
      { ...c, role: 'submitter', sequence: 3, subscribers: 1 },
      { ...d, role: 'submitter', sequence: null, subscribers: 0 },
    ]);
    const own = await jobs.call('GET', path(job, ''), undefined, as(job));
    expect(own.body).toEqual({ ...c, role: 'executor', sequence: null, subscribers: 1 });
    const metrics = await weir.request('GET', '/metrics');
    // This one, and the silent one.
    expect(metrics.text).toMatch(/^weir_channel_subscribers 2$/m);
  });

  it('sent again get their first answer; wrong ones are told by code and store nothing', async () => {
    const job = await jobs.run();
    const first = await send(job, { sequence: 4, text: 'a' });
    expect(await send(job, { sequence: 4, text: 'a' })).toMatchObject({ status: 201, body: first.body });
    const ok = { sequence: 9, text: 'x' };
    const wrong: [object | string, number, string][] = [
      [{ sequence: 4, text: 'b' }, 409, 'sequence_conflict'],
      [{ sequence: 3, text: 'b' }, 409, 'sequence_out_of_order'],
      [{ messages: [ok, { sequence: 8, text: 'x' }] }, 409, 'sequence_out_of_order'],
      [{ ...ok, in_reply_to: 2 }, 400, 'invalid_in_reply_to'],
      [{ ...ok, in_reply_to: 0 }, 400, 'invalid_in_reply_to'],
      [{ messages: [ok, { sequence: 10, text: 'x', in_reply_to: 3 }] }, 400, 'invalid_in_reply_to'],
      [{ ...ok, error: 'of no error' }, 400, 'invalid_message'],
      [{ ...ok, content_type: 'x'.repeat(256) }, 400, 'invalid_message'],
      [{ sequence: 9 }, 400, 'invalid_request'],
      [{ ...ok, payload: 'eA==' }, 400, 'invalid_request'],
      [{ sequence: 9, payload: 'eA=' }, 400, 'invalid_request'],
      [{ sequence: 9, payload: '$$$$' }, 400, 'invalid_request'],
      [{ ...ok, sequence: 1.5 }, 400, 'invalid_request'],
      [{ ...ok, colour: 'red' }, 400, 'invalid_request'],
      [{ messages: [] }, 400, 'invalid_request'],
      ['{', 400, 'invalid_json'],
    ];
    for (const [body, status, code] of wrong) {
      const refused = await send(job, body);
      const shown = JSON.stringify(body).slice(0, 100);
      expect(refused, shown).toMatchObject({ status, body: { code, detail: expect.any(String) } });
    }
    expect(await read(job)).toMatchObject({ messages: { length: 1 }, next: 1 });
    await send(job, { sequence: 5, type: 'end' });
    const after = await send(job, { sequence: 6, text: 'late' });
    expect(after).toMatchObject({ status: 409, body: { code: 'sender_ended', hint: expect.any(String) } });
    await jobs.close(job);
    const closed = await send(job, { sequence: 1, text: 'x' }, as(job));
    expect([closed.status, closed.body.code]).toEqual([409, 'channel_closed']);
    expect(await read(job)).toMatchObject({ closed: { reason: 'success', last_index: 2 } });
  });

  it('are waited for, and the wait ends with what comes, the end, and the time', async () => {
    const job = await jobs.run();
    const poll = read(job, '?wait_ms=30000&as=text');
    await send(job, { sequence: 1, text: 'now' }, as(job));
    expect(await poll).toMatchObject({ messages: [{ text: 'now' }], next: 1 });
    expect(await read(job, '?after=1&wait_ms=1')).toEqual({ messages: [], next: 1 });
    const last = read(job, '?after=1&wait_ms=30000');
    await jobs.close(job);
    expect(await last).toEqual({ messages: [], next: 1, closed: { reason: 'success', last_index: 1 } });
  });

  it('cost fuel: one each and one for 64 KiB, and a tenth where they are delivered', async () => {
    const job = await jobs.run();
    const rid = { 'x-request-id': `metered-${job.id}` };
    const messages = Array.from({ length: 30 }, (_, i) => ({ sequence: i, text: 'x'.repeat(8 * 1024) }));
    await send(job, { messages }, rid);
    const page = { 'x-request-id': `page-${job.id}` };
    await read(job, '?limit=25', page);
    const recorded = await waitUntil('both records', () => {
      const found = usageFile(weir).filter((line) => line.rid.endsWith(job.id));
      return found.length === 2 ? found : null;
    });
    const route = '/api/v1/processes/:id/channels/:name/messages';
    expect(recorded.toSorted((a, b) => a.rid.localeCompare(b.rid))).toMatchObject([
      { stack: `channel:POST ${route}`, fuel: 10 + 30 + 3, http_status: 201, tenant: weir.project },
      { stack: `channel:GET ${route}`, fuel: 10 + 2 },
    ]);
  });
});

describe('who may', () => {
  it('is the submitter, the executor with its assignment, and observers who only read', async () => {
    const channels = [{ name: 'c' }, { name: 'up', direction: 'to_executor' }];
    const job = await jobs.run({ channels });
    const [other, unscoped] = await Promise.all([otherKey(['channel', 'process']), otherKey(['process'])]);
    const refused = async (by: Jobs, status: number, code: string, more: Record<string, string> = {}) => {
      for (const [method, rest, body] of [
        ['POST', '/messages', { sequence: 1, text: 'x' }],
        ['GET', '/messages', undefined],
        ['GET', '/subscribe', undefined],
        ['GET', '', undefined],
      ] as const) {
        const answer = await by.call(method, path(job, rest), body, more);
        expect(answer, `${method} ${rest}`).toMatchObject({ status, body: { code } });
      }
    };
    await refused(other.jobs, 403, 'forbidden');
    // An assignment is valid only with the key that received it.
    await refused(other.jobs, 403, 'forbidden', as(job));
    await refused(jobs, 403, 'forbidden', { 'weir-assignment': 'weir_asn_1_guessed' });
    await refused(unscoped.jobs, 403, 'insufficient_scope');
    await refused(new Jobs(weir, 'weir_sec_nobody'), 401, 'unauthorized');
    const { body } = await weir.operator('POST', '/projects', { name: 'neighbour' });
    await refused(new Jobs(weir, (body as { api_key: string }).api_key), 404, 'process_not_found');
    await jobs.call('POST', `/${job.id}/observers`, { add: [other.id] });
    await send(job, { sequence: 1, text: 'seen' });
    expect((await other.jobs.call('GET', path(job))).body).toMatchObject({ messages: [{ index: 1 }] });
    const written = await other.jobs.call('POST', path(job), { sequence: 1, text: 'x' });
    expect(written).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const upwards = await send(job, { sequence: 1, text: 'x' }, as(job), 'up');
    expect(upwards).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await send(job, { sequence: 2, text: 'x' }, {}, 'up')).status).toBe(201);
    const page = await jobs.call('GET', path(job), undefined, { origin: 'https://evil.example' });
    expect(page).toMatchObject({ status: 403, body: { code: 'origin_not_allowed' } });
  });

  it('ends for an executor whose time is over: its stream says so at once, and it writes no more', async () => {
    const executor_type = 'leased';
    const wanted = { name: 'job', executor_type, channels: [{ name: 'c' }], max_exec_ms: 1_500 };
    await jobs.call('POST', '', wanted);
    const first = await jobs.take(executor_type);
    const [own, others] = [await subscribe(first, '?as=text', as(first)), await subscribe(first)];
    await send(first, { sequence: 1, text: 'mine' }, as(first));
    await waitUntil('the message', () => own.messages.length === 1);
    const second = await jobs.take(executor_type);
    expect([second.id, second.attempt]).toEqual([first.id, 2]);
    await waitUntil('the end', () => own.isOver);
    expect(own.last).toMatchObject({ event: 'error', data: { code: 'stale_attempt', status: 409 } });
    const late = await send(first, { sequence: 2, text: 'late' }, as(first));
    expect(late).toMatchObject({ status: 409, body: { code: 'stale_attempt' } });
    await send(second, { sequence: 1, text: 'new' }, as(second));
    await waitUntil('both', () => others.messages.length === 2);
    expect(others.messages).toMatchObject([
      { attempt: 1, text: 'mine' },
      { attempt: 2, text: 'new' },
    ]);
  });

  it('is told by code of what is not there', async () => {
    const job = await jobs.run();
    const nowhere = { ...job, id: '01a20000-0000-7000-8000-000000000000' };
    const codes = await Promise.all(
      [path(nowhere), path(job, '/messages', 'none'), path(job, '/messages', 'a%20b'), path(job, '?x=1')].map(
        async (one) => {
          const { status, body } = await jobs.call('GET', one);
          return [status, body.code];
        },
      ),
    );
    expect(codes).toEqual([
      [404, 'process_not_found'],
      [404, 'channel_not_found'],
      [400, 'invalid_channel'],
      [200, undefined],
    ]);
    for (const search of ['?after=-1', '?after=x', '?limit=x', '?wait_ms=30001', '?as=xml', '?foo=1']) {
      expect(await read(job, search), search).toMatchObject({ status: 400, code: 'invalid_request' });
    }
  });
});

describe('weir channel pipe', () => {
  const environment = (more: Readonly<Record<string, string>> = {}) => ({
    PATH: process.env.PATH,
    HOME: weir.dataDir,
    WEIR_SERVER: weir.url,
    WEIR_PROJECT: weir.project,
    WEIR_KEY: weir.key,
    ...more,
  });
  const start = (job: Job, args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, [CLI, 'channel', 'pipe', job.id, 'c', ...args], {
      env: environment(more),
      cwd: weir.dataDir,
    });
    child.stdin.on('error', () => {});
    return child;
  };
  // The cast holds by the documentation, which the tests above show.
  const messagesOf = async (job: Job) =>
    (await read(job)).messages as { type: string; text?: string; payload?: string; content_type?: string }[];

  /** Runs it with something typed, and standard input left open. */
  async function pipe(job: Job, typed: string, env: Readonly<Record<string, string>>) {
    const child = start(job, [], env);
    const exit = once(child, 'exit');
    child.stdin.write(typed);
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const [err, [code]] = await Promise.all([text(child.stderr), exit]);
    clearTimeout(timer);
    return { code, err };
  }

  it('ends with why what it sends is refused, though nobody has closed what it reads', async () => {
    const job = await jobs.run({ channels: [{ name: 'c', direction: 'to_submitter' }] });
    const { code, err } = await pipe(job, 'hello', { WEIR_PROJECT: weir.project, WEIR_KEY: weir.key });
    expect([code, err]).toEqual([1, expect.stringContaining('cannot write')]);
  });

  it('keeps its process past the longest time while it lives, and ends once that is another executor’s', async () => {
    const [executor_type, maxExecMs] = ['piped', 3_000];
    const submitted = { name: 'job', executor_type, channels: [{ name: 'c' }], max_exec_ms: maxExecMs };
    const { body: made } = await jobs.call('POST', '', submitted);
    const { body } = await jobs.call('POST', '/assign', { executor_type });
    const job = { id: String(body.id), attempt: 1, assignment: String(body.assignment) };
    const child = start(job, [], { WEIR_ASSIGNMENT: job.assignment });
    const [told, exit] = [text(child.stderr), once(child, 'exit')];
    const process_ = async () => (await jobs.call('GET', `/${made.id}`)).body;
    const beats = new Set<unknown>();
    await waitUntil('heartbeats', async () => beats.add((await process_()).heartbeat_at).size > 2);
    expect(await process_()).toMatchObject({ state: 'running', attempt: 1 });
    child.kill('SIGSTOP');
    await waitUntil('another attempt', async () => (await process_()).attempt === 2);
    child.kill('SIGCONT');
    const [code] = await exit;
    expect([code, await told]).toEqual([1, expect.stringContaining('is over')]);
  });

  it('carries every line as it is: blank ones, carriage returns, and says which one is too long', async () => {
    const job = await jobs.run();
    const tooLong = Buffer.alloc(10 * MIB + 1, 'x');
    const child = start(job, ['--lines']);
    const [told, exit] = [text(child.stderr), once(child, 'exit')];
    child.stdin.write('one\n\ntwo\r\n\r\nthree\n');
    child.stdin.end(Buffer.concat([tooLong, Buffer.from('\nfour\n')]));
    const [code] = await exit;
    expect([code, await told]).toEqual([1, expect.stringMatching(/line 6 has more than 10485760 bytes/)]);
    expect((await messagesOf(job)).map((message) => message.text)).toEqual([
      'one',
      '',
      'two\r',
      '\r',
      'three',
    ]);
    const reader = start(job, ['--lines'], { WEIR_ASSIGNMENT: job.assignment });
    const [out, end] = [text(reader.stdout), once(reader, 'exit')];
    await jobs.call('POST', `/${job.id}/cancel`, {});
    expect([(await end)[0], await out]).toEqual([0, 'one\n\ntwo\r\n\r\nthree\n']);
  });

  it('cuts text between characters, and calls text only what is', async () => {
    const job = await jobs.run();
    const euro = Buffer.from('10 €');
    const pieces = [euro.subarray(0, 4), euro.subarray(4), Buffer.from([0xff, 0xfe]), euro.subarray(0, 5)];
    const child = start(job, []);
    for (const [i, piece] of pieces.entries()) {
      child.stdin.write(piece);
      await waitUntil('its message', async () => (await messagesOf(job)).length === i + 1);
    }
    child.stdin.end();
    await waitUntil('the end', async () => (await messagesOf(job)).some(({ type }) => type === 'end'));
    child.kill('SIGKILL');
    const data = (await messagesOf(job)).filter(({ type }) => type === 'data');
    const shown = data.map(({ text: some, payload, content_type }) => [some ?? payload, content_type]);
    const plain = 'text/plain; charset=utf-8';
    expect(shown).toEqual([
      ['10 ', plain],
      ['€', plain],
      [Buffer.from([0xff, 0xfe]).toString('base64'), undefined],
      ['10 ', plain],
      [Buffer.from([0xe2, 0x82]).toString('base64'), undefined],
    ]);
  });

  it('goes on while other commands send as the same sender, each message once', async () => {
    const job = await jobs.run();
    const child = start(job, ['--lines']);
    const [told, exit] = [text(child.stderr), once(child, 'exit')];
    for (let i = 0; i < 2; i += 1) {
      child.stdin.write(`pipe ${i}\n`);
      await waitUntil('what is typed', async () => (await messagesOf(job)).length === 2 * i + 1);
      const args = [CLI, 'channel', 'send', job.id, 'c', `send ${i}`];
      const sent = await promisify(execFile)(process.execPath, args, { env: environment() });
      expect(sent.stdout).toBe(`${2 * i + 2}\n`);
    }
    expect((await messagesOf(job)).map((message) => message.text)).toEqual(
      [0, 1].flatMap((i) => [`pipe ${i}`, `send ${i}`]),
    );
    child.stdin.end();
    await jobs.call('POST', `/${job.id}/close`, { assignment: job.assignment, status: 'success' });
    const [code] = await exit;
    expect([code, await told]).toEqual([0, expect.stringContaining('closed')]);
  });

  it('sends observers to where they read', async () => {
    const job = await jobs.run();
    const { id, key } = await otherKey(['channel']);
    await jobs.call('POST', `/${job.id}/observers`, { add: [id] });
    const { code, err } = await pipe(job, 'hello', { WEIR_PROJECT: weir.project, WEIR_KEY: key });
    expect([code, err]).toEqual([1, expect.stringContaining('weir channel follow')]);
  });
});

describe('limits', () => {
  it('bound a payload, a body, and how fast one sends', async () => {
    const job = await jobs.run();
    const whole = Buffer.alloc(10 * MIB, 7).toString('base64');
    expect((await send(job, { sequence: 1, payload: whole })).status).toBe(201);
    const over = Buffer.alloc(10 * MIB + 1).toString('base64');
    const large = { status: 413, body: { code: 'message_too_large', limit: expect.any(Number) } };
    expect(await send(job, { sequence: 2, payload: over })).toMatchObject(large);
    expect(await send(job, { sequence: 2, text: 'x'.repeat(14 * MIB) })).toMatchObject(large);
    const batch = (from: number, length = 400) => ({
      messages: Array.from({ length }, (_, i) => ({ sequence: from + i, text: 'x' })),
    });
    expect(await send(job, batch(10, 10_001))).toMatchObject(large);
    expect((await send(job, batch(10))).status).toBe(201);
    const refused = await send(job, batch(410));
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    const { retry_after_s, retry_after_ms } = refused.body;
    expect(refused.headers.get('retry-after')).toBe(String(retry_after_s));
    expect(retry_after_s).toBe(Math.ceil(Number(retry_after_ms) / 1000));
    expect(retry_after_s).toBeLessThanOrEqual(4);
    // Another sender has a bucket of its own.
    expect((await send(job, batch(1), as(job))).status).toBe(201);
    await waitUntil('tokens', async () => (await send(job, batch(410))).status === 201);
  });

  it('of a channel refuse what is too much, or trim, which a reader behind is told', async () => {
    const limit = 2560 * KIB;
    const tenant = `/tenants/${weir.project}`;
    await weir.operator('PUT', tenant, { channel_bytes: limit });
    const job = await jobs.run({ channels: [{ name: 'c', retention: 'trim' }, { name: 'full' }] });
    await weir.operator('PUT', tenant, { channel_bytes: 0 });
    const client = await ChannelClient.connect(weir.url, weir.key);
    try {
      await client.open(1, job.id, 'c', { read: false });
      await client.open(2, job.id, 'full', { read: false });
      const payload = Buffer.alloc(100 * KIB);
      for (let sequence = 1; sequence <= 25; sequence += 1) {
        for (const ch of [1, 2])
          expect(await client.append(ch, [{ sequence }, payload])).toMatchObject({ op: 'appended' });
      }
      const late = await subscribe(job, '?after=0');
      const full = { status: 409, body: { code: 'channel_full', limit } };
      const body = { sequence: 26, payload: payload.toString('base64') };
      expect(await send(job, body, {}, 'full')).toMatchObject(full);
      expect((await send(job, body)).status).toBe(201);
      // Trimming overtakes a slow reader of history; the error names the index to continue from.
      const behind = await waitUntil('the trimming', async () => {
        const answer = await jobs.call('GET', path(job));
        return answer.status === 410 ? answer : null;
      });
      expect(behind.body).toMatchObject({ code: 'cursor_expired', oldest: expect.any(Number) });
      const oldest = Number(behind.body.oldest);
      expect(oldest).toBeGreaterThan(1);
      const next = await read(job, `?after=${oldest - 1}&limit=1`);
      expect(next).toMatchObject({ messages: [{ index: oldest }] });
      const stream = await jobs.call('GET', path(job, '/subscribe'));
      expect(stream).toMatchObject({ status: 410, body: { code: 'cursor_expired', oldest } });
      const reading = client.controls.length;
      client.send({ op: 'read', ch: 1, after: 0 });
      const told = await client.next(reading, ({ op }) => op === 'error');
      expect(told).toMatchObject({ ch: 1, of: 'reading', code: 'cursor_expired', oldest });
      late.close();
    } finally {
      client.close();
    }
  });
});

describe('an event stream', () => {
  it('gives history, then what comes, and at the end why; it goes on from the last id', async () => {
    const job = await jobs.run();
    for (const sequence of [1, 2, 3]) await send(job, { sequence, text: `m${sequence}` });
    const stream = await subscribe(job);
    await waitUntil('history', () => stream.messages.length === 3);
    await send(job, { sequence: 1, text: 'live' }, as(job));
    await waitUntil('the fourth', () => stream.messages.length === 4);
    expect(stream.events.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(stream.messages.map(({ text }) => text)).toEqual(['m1', 'm2', 'm3', 'live']);
    const [resumed, after, bare] = [
      await subscribe(job, '?after=1', { 'last-event-id': '2' }),
      await subscribe(job, '?after=1&as=text'),
      await subscribe(job, '', { 'last-event-id': '3' }),
    ];
    await jobs.close(job);
    await waitUntil('the ends', () => [stream, resumed, after, bare].every(({ isOver }) => isOver));
    const indexes = [stream, resumed, after, bare].map(({ messages }) => messages.map(({ index }) => index));
    expect(indexes).toEqual([[1, 2, 3, 4], [3, 4], [2, 3, 4], [4]]);
    for (const { last } of [stream, resumed, after, bare])
      expect(last).toEqual({ event: 'closed', id: '', data: { reason: 'success', last_index: 4 } });
    const wrong = await jobs.call('GET', path(job, '/subscribe'), undefined, { 'last-event-id': 'x' });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('of a client that does not read ends with where it was, and it misses nothing', async () => {
    const job = await jobs.run();
    const url = `${weir.url}/api/v1/processes${path(job, '/subscribe')}`;
    const authorization = `Bearer ${weir.key}`;
    const response = await fetch(url, { headers: { authorization } });
    const client = await ChannelClient.connect(weir.url, weir.key);
    await client.open(1, job.id, 'c', { read: false });
    for (let sequence = 1; sequence <= 30; sequence += 1)
      expect(await client.append(1, [{ sequence }, Buffer.alloc(2 * MIB)])).toMatchObject({ op: 'appended' });
    client.close();
    const text = await response.text();
    const told = JSON.parse(/\nevent: error\ndata: (.*)\n\n$/.exec(text)?.[1] ?? '{}');
    expect(told).toMatchObject({ code: 'subscriber_too_slow', status: 429, hint: expect.any(String) });
    const ids = [...text.matchAll(/^id: (\d+)\ndata/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: told.cursor }, (_, i) => i + 1));
    expect(told.cursor).toBeLessThan(30);
    const rest = await subscribe(job, `?after=${told.cursor}`);
    await waitUntil('the rest', () => rest.messages.length === 30 - told.cursor);
  });

  it('is not silent for long, and ends when the server stops', async () => {
    await waitUntil('a comment', () => silent.comments > 0, 20_000);
    expect(await weir.stop()).toBe(0);
    await waitUntil('the end', () => silent.isOver);
    expect(silent.events).toEqual([]);
    await weir.start('live');
  });
});

it('what was acknowledged is there after kill -9, and its channels are gone after their retention', async () => {
  const job = await jobs.run();
  const acknowledged: { index: number; sequence: number }[] = [];
  const writing = (async () => {
    for (let sequence = 1; sequence < 400; sequence += 1) {
      const { body } = await send(job, { sequence, text: `m${sequence}` });
      acknowledged.push({ index: Number(body.index), sequence });
    }
  })().catch(() => {});
  await waitUntil('some messages', () => acknowledged.length > 50);
  await weir.kill();
  await writing;
  await weir.start('live', { WEIR_CHANNEL_RETENTION: '100ms' });
  // PostgreSQL comes up a moment after the server.
  const { messages } = await waitUntil('the channel', async () => {
    const page = await read(job);
    return page.status === 503 ? null : page;
  });
  const kept = (messages as { index: number; sequence: number }[]).map(({ index, sequence }) => ({
    index,
    sequence,
  }));
  expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged);
  expect(kept.length - acknowledged.length).toBeLessThanOrEqual(1);
  const last = acknowledged.at(-1);
  const again = await send(job, { sequence: last?.sequence, text: `m${last?.sequence}` });
  expect(again).toMatchObject({ status: 201, body: { index: last?.index } });
  await jobs.close(job);
  const gone = await waitUntil('the end of retention', async () => {
    const answer = await jobs.call('GET', path(job));
    return answer.status === 200 ? null : answer;
  });
  expect(gone).toMatchObject({ status: 410, body: { code: 'channel_gone' } });
  expect((await jobs.call('GET', `/${job.id}`)).body).toMatchObject({ state: 'success' });
});

/**
 * POST /api/v1/ingest/events as clients see it: every code of the specification's table that a healthy server gives.
 * Those of a server in trouble are in ingest-refusals.test.ts. 402 has no test: nothing refuses payment before there is
 * an admission gate.
 */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawAnswer, WeirProcess } from './index.js';

const PATH = '/api/v1/ingest/events';
const MIB = 1024 * 1024;
const event = (name: string, more: object = {}) => ({ event: name, timestamp: Date.now(), ...more });

let weir: WeirProcess;
beforeAll(async () => {
  weir = await new WeirProcess().start();
});
afterAll(async () => {
  await weir?.dispose();
});

interface Sent {
  readonly body?: object | string | Uint8Array;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

/** Sends as a server-side client does, unless told otherwise. */
async function post({ body = { events: [] }, token = weir.token, headers = {}, query = '' }: Sent) {
  const answer = await weir.request('POST', PATH + query, {
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return { ...answer, json: JSON.parse(answer.text) as Record<string, unknown> };
}

function expectProblem(answer: RawAnswer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(JSON.parse(answer.text)).toMatchObject({
    type: `urn:weir:problem:${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
    request_id: answer.headers.get('x-request-id'),
  });
}

async function createProject(): Promise<{ id: string; ingest_token: string; api_key: string }> {
  const { status, body } = await weir.operator('POST', '/projects', { name: 'another' });
  expect(status).toBe(201);
  return body as { id: string; ingest_token: string; api_key: string };
}

describe('accepted', () => {
  it('202 counts what was new, known and refused, each refusal by index', async () => {
    const known = event('a', { event_id: 'known' });
    expect((await post({ body: { events: [known] } })).json).toMatchObject({ accepted: 1, duplicates: 0 });
    const answer = await post({
      body: {
        events: [
          known,
          event('b'),
          { event: 'c' },
          { timestamp: 1_700_000_000_001 },
          7,
          event('d', { event_id: {} }),
        ],
      },
    });
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      accepted: 1,
      duplicates: 1,
      rejected: 4,
      errors: [
        { index: 2, reason: 'timestamp required' },
        { index: 3, reason: 'event required' },
        { index: 4, reason: 'event must be an object' },
        { index: 5, reason: 'event_id must be a string, an integer or null' },
      ],
      receipt: expect.any(String),
    });
  });

  it('202 without a receipt where all were known', async () => {
    const body = { events: [event('a', { event_id: 'twice' }), event('a', { event_id: 'twice' })] };
    expect((await post({ body })).json).toMatchObject({ accepted: 1, duplicates: 1 });
    const { status, json } = await post({ body });
    expect({ status, json }).toEqual({ status: 202, json: { accepted: 0, duplicates: 2, rejected: 0 } });
  });

  it.each([[], { events: [] }, { batch: [] }, { events: [], more: [1] }])(
    '200 with zeros for %j',
    async (body) => {
      const { status, json } = await post({ body });
      expect({ status, json }).toEqual({ status: 200, json: { accepted: 0, duplicates: 0, rejected: 0 } });
    },
  );

  it('200 where no event is valid', async () => {
    const { status, json } = await post({ body: { events: [{}] } });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      accepted: 0,
      rejected: 1,
      errors: [{ index: 0, reason: 'event required' }],
    });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    // Not what the name stands for, and what some clients send.
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
  ])('%s bodies', async (encoding, compress) => {
    const body = compress(JSON.stringify({ events: [event('compressed')] }));
    const { status, json } = await post({ body, headers: { 'content-encoding': encoding } });
    expect({ status, json }).toMatchObject({ status: 202, json: { accepted: 1 } });
  });

  it('NDJSON: an event a line, blank lines skipped, a bad line refused alone', async () => {
    const body = `${JSON.stringify(event('one'))}\n\n{"event":\r\n${JSON.stringify(event('two'))}\r\n`;
    const { status, json } = await post({ body, headers: { 'content-type': 'application/x-ndjson' } });
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 2, rejected: 1, errors: [{ index: 1 }] });
  });

  it('a body of exactly 10 MiB', async () => {
    const text = JSON.stringify({ events: [event('large')] });
    const body = text + ' '.repeat(10 * MIB - text.length);
    expect((await post({ body })).status).toBe(202);
  });
});

describe('the token', () => {
  it('stands in the header, the query or the body, the first of them counts', async () => {
    const { token } = weir;
    const events = [event('t')];
    expect((await post({ token: null, body: { token, events } })).status).toBe(202);
    expect((await post({ token: null, query: `?token=${token}`, body: { events } })).status).toBe(202);
    const wrong = `weir_pub_${'f'.repeat(64)}`;
    expect((await post({ token, body: { token: wrong, events }, query: `?token=${wrong}` })).status).toBe(
      202,
    );
    expect((await post({ token: wrong, body: { token, events } })).status).toBe(401);
    const both = (query: string, inBody: string) =>
      post({ token: null, body: { token: inBody, events }, query: `?token=${query}` });
    expect((await both(token, wrong)).status).toBe(202);
    expect((await both(wrong, token)).status).toBe(401);
  });

  it('stands in a body of at most 64 KiB, on the wire and unpacked', async () => {
    const KIB64 = 64 * 1024;
    const body = (bytes: number) => {
      const text = JSON.stringify({ token: weir.token, events: [event('t')] });
      return text + ' '.repeat(bytes - text.length);
    };
    expect((await post({ token: null, body: body(KIB64) })).status).toBe(202);
    const packed = { 'content-encoding': 'gzip' };
    const answers = [
      await post({ token: null, body: body(KIB64 + 1) }),
      await post({ token: null, body: gzipSync(body(KIB64 + 1)), headers: packed }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(413);
      expect(answer.json).toMatchObject({
        code: 'body_too_large',
        limit: KIB64,
        hint: 'send the token in the Authorization header',
      });
    }
  });

  it('is in the query when a page leaves: sendBeacon sends text/plain', async () => {
    const answer = await post({
      token: null,
      query: `?token=${weir.token}`,
      headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://shop.example' },
      body: { events: [event('left')] },
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  });

  it('401 is the same for every reason', async () => {
    const { id, ingest_token: ofDeleted } = await createProject();
    const { body: made } = await weir.operator('POST', `/projects/${weir.project}/tokens`, { name: 'x' });
    const revoked = made as { id: string; ingest_token: string };
    for (const token of [ofDeleted, revoked.ingest_token]) expect((await post({ token })).status).toBe(200);
    for (const ended of [`/projects/${id}`, `/projects/${weir.project}/tokens/${revoked.id}`])
      expect((await weir.operator('DELETE', ended)).status).toBe(204);

    const unknown = `weir_pub_${'0'.repeat(64)}`;
    const tokens = [null, '', 'weir_pub_short', unknown, revoked.ingest_token, ofDeleted];
    const answers: unknown[] = [];
    for (const token of tokens) {
      const answer = await post({ token, body: { events: [event('no')] } });
      expectProblem(answer, 401, 'unauthorized');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
      const { request_id, ...rest } = answer.json;
      answers.push(rest);
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('401 names the kind of a credential that is no ingest token, and nothing more', async () => {
    const unknown = `weir_sec_${'0'.repeat(64)}`;
    for (const token of [weir.key, unknown]) {
      const { json } = await post({ token, body: { events: [event('no')] } });
      expect(json.detail).toBe('the credential is an API key; this route needs an ingest token (weir_pub_…)');
    }
    const { text } = await weir.request('GET', '/api/v1/whoami', {
      headers: { authorization: `Bearer ${weir.token}` },
    });
    expect(JSON.parse(text).detail).toBe(
      'the credential is an ingest token; this route needs an API key (weir_sec_…)',
    );
  });

  it('403 for a page the token does not allow', async () => {
    const { body } = await weir.operator('POST', `/projects/${weir.project}/tokens`, {
      allowed_origins: ['https://shop.example'],
    });
    const { ingest_token: token } = body as { ingest_token: string };
    const from = (origin: string) => post({ token, headers: { origin }, body: { events: [event('o')] } });
    expect((await from('https://shop.example')).status).toBe(202);
    expectProblem(await from('https://evil.example'), 403, 'origin_not_allowed');
    expect((await post({ token, body: { events: [event('no page')] } })).status).toBe(202);
  });
});

describe('refused for good', () => {
  it.each<[string, Sent, number, string]>([
    ['bytes that are not UTF-8', { body: Buffer.from([0x7b, 0xff, 0x7d]) }, 400, 'invalid_encoding'],
    [
      'a body that is not gzip',
      { body: '{}', headers: { 'content-encoding': 'gzip' } },
      400,
      'invalid_encoding',
    ],
    ['no JSON', { body: '{"events":' }, 400, 'invalid_json'],
    ['an empty body', { body: '' }, 400, 'invalid_json'],
    ['no events', { body: '{"other":1}' }, 400, 'invalid_envelope'],
    ['events that are no array', { body: { events: {} } }, 400, 'invalid_envelope'],
    ['a sent_at that is no time', { body: { sent_at: 'soon', events: [] } }, 400, 'invalid_envelope'],
    ['an unknown encoding', { headers: { 'content-encoding': 'zstd' } }, 415, 'unsupported_encoding'],
    ['too long a body', { body: ' '.repeat(10 * MIB + 1) }, 413, 'body_too_large'],
    [
      'a gzip bomb',
      { body: gzipSync(Buffer.alloc(200 * MIB)), headers: { 'content-encoding': 'gzip' } },
      413,
      'body_too_large',
    ],
    [
      'a brotli bomb',
      { body: brotliCompressSync(Buffer.alloc(64 * MIB)), headers: { 'content-encoding': 'br' } },
      413,
      'body_too_large',
    ],
    [
      'more events than the buffer can ever hold',
      {
        body: {
          events: Array.from({ length: 50_001 }, () => ({ event: 'e', timestamp: 1_700_000_000_001 })),
        },
      },
      413,
      'batch_too_large',
    ],
  ])('%s', async (_, sent, status, code) => {
    expectProblem(await post(sent), status, code);
  });

  it('parameters with values that have no meaning, by name', async () => {
    const waiting = await post({ query: '?wait=foo' });
    expectProblem(waiting, 400, 'invalid_request');
    expect(waiting.json).toMatchObject({
      detail: 'wait: must be stored',
      hint: expect.stringMatching(/wait=stored/),
    });
    expectProblem(await weir.request('GET', '/readyz?for=queries'), 400, 'invalid_request');
    const format = await weir.request('POST', `/api/v1/projects/${weir.project}/query?format=csv`, {
      headers: { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' },
      body: '{"sql":"SELECT 1"}',
    });
    expectProblem(format, 400, 'invalid_request');
    const misspelt = await weir.request('GET', `/api/v1/projects/${weir.project}/feed?afer=earliest`, {
      headers: { authorization: `Bearer ${weir.key}` },
    });
    expectProblem(misspelt, 400, 'invalid_request');
    expect(JSON.parse(misspelt.text)).toMatchObject({
      detail: 'there is no "afer" here',
      hint: 'did you mean after?',
    });
  });

  it('a body that does not say how long it is, and is too long', async () => {
    let chunks = 0;
    const endless = new Readable({
      read() {
        chunks += 1;
        this.push(chunks > 200 ? null : Buffer.alloc(MIB, ' '));
      },
    });
    const response = await fetch(weir.url + PATH, {
      method: 'POST',
      headers: { authorization: `Bearer ${weir.token}` },
      // The cast holds: Node's fetch takes a stream, of which the types of the web know nothing.
      ...({ body: Readable.toWeb(endless), duplex: 'half' } as object),
    });
    expect(response.status).toBe(413);
    expect(chunks).toBeLessThan(100);
  });

  it('any method but POST', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await weir.request(method, PATH);
      expectProblem(answer, 405, 'method_not_allowed');
      expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
    }
  });
});

describe('around the answer', () => {
  it('a preflight is answered before any token is looked at', async () => {
    const answer = await weir.request('OPTIONS', PATH, {
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-encoding',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    expect(answer.headers.get('access-control-allow-methods')).toMatch(/\bPOST\b/);
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,content-encoding');
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it('a page may read every answer, refusals too', async () => {
    const answer = await post({ token: null, headers: { origin: 'https://shop.example' } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it('slashes that joining paths has put in change nothing', async () => {
    for (const path of [`${PATH}/`, `/${PATH}`, `/${PATH.replace('ingest/', 'ingest//')}/?wait=stored`]) {
      const answer = await weir.request('POST', path, {
        headers: { authorization: `Bearer ${weir.token}`, origin: 'https://shop.example' },
        body: JSON.stringify({ events: [event('slashes')] }),
      });
      expect({ path, status: answer.status }).toEqual({ path, status: 202 });
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    }
  });

  it('a page may ask for its receipts', async () => {
    const headers = { origin: 'https://shop.example' };
    const preflight = await weir.request('OPTIONS', '/api/v1/ingest/receipts/r1', { headers });
    const refused = await weir.request('GET', '/api/v1/ingest/receipts/r1', { headers });
    expect([preflight.status, refused.status]).toEqual([204, 401]);
    for (const answer of [preflight, refused])
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  });

  it('a client that expects 100-continue is refused before it sends its body, and else asked for it', async () => {
    const ask = async (token: string): Promise<string[]> => {
      const body = JSON.stringify({ events: [event('expected')] });
      const seen: string[] = [];
      const request = httpRequest(weir.url + PATH, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, expect: '100-continue', 'content-length': body.length },
      });
      request.on('continue', () => {
        seen.push('continue');
        request.end(body);
      });
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      seen.push(String(response.statusCode), String(response.headers.connection));
      request.destroy();
      return seen;
    };
    expect(await ask(weir.token)).toEqual(['continue', '202', 'undefined']);
    expect(await ask('weir_pub_none')).toEqual(['401', 'close']);
  });

  it('the request id is the client’s where it is a plain one', async () => {
    const own = await post({ headers: { 'x-request-id': 'client-7' } });
    expect(own.headers.get('x-request-id')).toBe('client-7');
    const odd = await post({ headers: { 'x-request-id': 'a b"c' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    expect((await post({})).headers.get('x-request-id')).not.toBe(odd.headers.get('x-request-id'));
  });
});

describe('receipts', () => {
  it('a receipt for a batch that was stored in many parts can be asked about', async () => {
    const events = Array.from({ length: 10_000 }, () => event('part'));
    const { json } = await post({ body: { events } });
    const answer = await ask(String(json.receipt), weir.token);
    expect(answer.status).toBe(200);
    const { counts } = JSON.parse(answer.text) as { counts: { logged: number; stored: number } };
    expect(counts.logged + counts.stored).toBe(10_000);
  });

  it('wait=stored, and asking afterwards by token or key of the project', async () => {
    const { json } = await post({ body: { events: [event('r'), event('r')] }, query: '?wait=stored' });
    expect(json).toMatchObject({ accepted: 2, state: 'stored', receipt: expect.any(String) });
    for (const credential of [weir.token, weir.key]) {
      const answer = await ask(String(json.receipt), credential);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toEqual({
        state: 'stored',
        counts: { logged: 0, dead_letter: 0, quarantined: 0, purged: 0, stored: 2 },
        stored_at: expect.stringMatching(/^\d{4}-.*Z$/),
      });
    }
  });

  it('404 for another project’s and for what never was one, 401 without a credential', async () => {
    const { json } = await post({ body: { events: [event('r')] } });
    const receipt = String(json.receipt);
    const { ingest_token, api_key } = await createProject();
    for (const credential of [ingest_token, api_key])
      expectProblem(await ask(receipt, credential), 404, 'receipt_unknown');
    for (const wrong of [`${receipt}x`, 'nonsense', receipt.replace('r2.', 'r2.1')]) {
      expectProblem(await ask(wrong, weir.token), 404, 'receipt_unknown');
    }
    expectProblem(await ask(receipt, 'weir_pub_nobody'), 401, 'unauthorized');
  });

  it('count nothing of other projects, nor do request ids and deliveries of groups', async () => {
    const other = await createProject();
    const groups = `/api/v1/projects/${weir.project}/feed/groups`;
    const headers = { authorization: `Bearer ${weir.key}`, 'content-type': 'application/json' };
    /** What a project is told when it sends an event and has it delivered. */
    const sample = async (group: string) => {
      await weir.request('PUT', `${groups}/${group}`, { headers, body: '{}' });
      const sent = await post({ body: { events: [event('counted')] } });
      const path = `${groups}/${group}/pull`;
      const pulled = await weir.request('POST', path, { headers, body: '{"wait_ms":30000}' });
      const { deliveries } = JSON.parse(pulled.text) as { deliveries: { id: string }[] };
      const [, place, own] = /^r2\.([\w-]{22})(-1-1)\.[\w-]{22}$/.exec(String(sent.json.receipt)) ?? [];
      const [epoch, tag, offset] = deliveries[0]?.id.split('-') ?? [];
      return {
        place: Buffer.from(place ?? '', 'base64url'),
        own,
        rid: sent.headers.get('x-request-id'),
        epoch,
        tag,
        offset,
      };
    };
    const before = await sample('one');
    for (let i = 0; i < 5; i += 1) await post({ body: { events: [event('x')] }, token: other.ingest_token });
    const after = await sample('two');
    expect(after.rid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([before.own, after.own]).toEqual(['-1-1', '-1-1']);
    // Of a cipher's block half of the bits change, of a number written down a few at its end.
    const changed = [...after.place].filter((byte, i) => byte !== before.place[i]).length;
    expect(changed).toBeGreaterThan(8);
    expect(after.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(after.epoch).toBe(before.epoch);
    // The project's own events count.
    expect(Number(after.offset) - Number(before.offset)).toBe(1);
  });

  const ask = (receipt: string, credential: string) =>
    weir.request('GET', `/api/v1/ingest/receipts/${encodeURIComponent(receipt)}`, {
      headers: { authorization: `Bearer ${credential}` },
    });
});

it('what was accepted is what is read', async () => {
  const properties = { n: 12345678901234567890n.toString(), path: '/ä', nested: { list: [1, null, 'x'] } };
  await post({
    query: '?wait=stored',
    body: {
      events: [
        event('read back', { userId: 'u', anonymous_id: 'a', eventId: 'e1', properties, plan: 'pro' }),
      ],
    },
  });
  const rows = await weir.query(
    "SELECT event_id, user_id, anonymous_id, session_id, properties, extras FROM events WHERE event = 'read back'",
  );
  expect(rows).toEqual([['e1', 'u', 'a', null, JSON.stringify(properties), '{"plan":"pro"}']]);
});

/**
 * Admission over HTTP: an operator's decision about a tenant reaches every surface of every node, and Weir calls a host's
 * seams on the specified surfaces, as often as specified.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EntitlementDecision, LimitDecision, LimitKey } from '@weir/extension';
import { type TcpProxy, type TestDatabase, tcpProxy, testServer } from '@weir/postgres/testing';
import { type App, createApp, createLogger, loadConfig } from '@weir/server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SocketClient } from './harness/socket-client.js';
import { type Environment, WeirProcess, waitUntil } from './index.js';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/weir.js', import.meta.url));
/** The bound on a decision's way to every node. */
const REACH_MS = 2_000;
const ENDLESS = 'SELECT sum(sipHash64(number)) FROM numbers(90000000000)';

interface Place {
  readonly url: string;
  readonly project: string;
  readonly token: string;
  readonly key: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [name: string]: unknown };
}

async function answerOf(response: Response): Promise<Answer> {
  // The cast holds: every answer here is a JSON object.
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, headers: response.headers, body };
}

function bearer(credential: string, headers: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${credential}`, 'content-type': 'application/json', ...headers };
}

/** A request to each surface, each by the route people use. */
const surfaces = {
  ingest: async ({ url, token }: Place, headers = {}) => {
    const body = JSON.stringify({ events: [{ event: 'e', timestamp: Date.now() }] });
    return await answerOf(
      await fetch(`${url}/api/v1/ingest/events`, { method: 'POST', headers: bearer(token, headers), body }),
    );
  },
  query: async ({ url, project, key }: Place, headers = {}) => {
    const body = JSON.stringify({ sql: 'SELECT 1' });
    const path = `${url}/api/v1/projects/${project}/query`;
    return await answerOf(await fetch(path, { method: 'POST', headers: bearer(key, headers), body }));
  },
  schema: async ({ url, project, key }: Place, headers = {}) =>
    await answerOf(
      await fetch(`${url}/api/v1/projects/${project}/schema`, { headers: bearer(key, headers) }),
    ),
};
type HttpSurface = keyof typeof surfaces;
const HTTP = Object.keys(surfaces) as HttpSurface[];

/** What a call of the MCP tool `schema` is answered with; `code` is undefined where it succeeded. */
async function toolCall(
  { url, key }: Place,
  headers: Record<string, string> = {},
): Promise<{ status: number; code: string | undefined; text: string }> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: bearer(key, {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'schema',
      ...headers,
    }),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'schema',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const text = await response.text();
  const document = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as {
    readonly result?: { readonly _meta?: { readonly 'weir/error'?: { readonly code?: string } } };
  };
  return { status: response.status, code: document.result?._meta?.['weir/error']?.code, text };
}

describe('what an operator decides', () => {
  let database: TestDatabase;
  let network: TcpProxy;
  let here: WeirProcess;
  let there: WeirProcess;

  beforeAll(async () => {
    database = await testServer();
    network = await tcpProxy(database.url);
    here = await new WeirProcess({ WEIR_POSTGRES_URL: network.url }).start();
    there = new WeirProcess({ WEIR_POSTGRES_URL: database.url, WEIR_OPERATOR_KEY: here.operatorKey });
    await there.start('live');
    await waitUntil('both nodes', async () => (await at(here, 'schema')) && (await at(there, 'schema')));
  });
  afterAll(async () => {
    await Promise.all([here?.dispose(), there?.dispose()]);
    await network?.close();
    await database?.close();
  });
  afterEach(async () => {
    await decide({
      enabled: true,
      suspended: false,
      rate_limit_rps: 0,
      rate_burst: 0,
      concurrency_limit: 0,
      deny_reason: null,
      deny_status: 403,
    });
    await waitUntil('the other node to forget', async () => await at(there, 'ingest'));
  });

  /** The project as a node serves it. */
  const place = ({ url }: WeirProcess): Place => ({
    url,
    project: here.project,
    token: here.token,
    key: here.key,
  });
  const at = async (node: WeirProcess, surface: HttpSurface) => {
    const { status } = await surfaces[surface](place(node));
    return status === 200 || status === 202;
  };
  const decide = async (body: object, project: string = here.project) =>
    await here.operator('PUT', `/tenants/${project}`, body);
  const weir = async (...args: string[]) => {
    const env = { ...process.env, WEIR_SERVER: here.url, WEIR_OPERATOR_KEY: here.operatorKey };
    const run = promisify(execFile)(process.execPath, [CLI, 'tenant', ...args], { env, cwd: here.dataDir });
    return (await run).stdout;
  };

  it.each([
    [['--reason', 'unpaid since March', '--status', '402'], 402, 'payment_required', 'unpaid since March'],
    [[], 403, 'suspended', 'this project is suspended'],
  ])(
    'weir tenant suspend %j reaches every surface of both nodes within 2 s',
    async (options, status, code, detail) => {
      const said = await weir('suspend', here.project, ...options);
      expect(said).toContain(`project ${here.project} is suspended; requests get ${status}`);
      const decided = Date.now();
      for (const node of [here, there]) {
        await waitUntil('the suspension', async () => !(await at(node, 'ingest')));
      }
      expect(Date.now() - decided).toBeLessThan(REACH_MS);
      for (const node of [here, there]) {
        for (const surface of HTTP) {
          const { body, headers, status: answered } = await surfaces[surface](place(node));
          expect({ surface, answered, body }).toEqual({
            surface,
            answered: status,
            body: {
              type: `urn:weir:problem:${code}`,
              title: status === 402 ? 'Payment Required' : 'Forbidden',
              status,
              detail,
              code,
              request_id: expect.any(String),
              hint: expect.stringMatching(/^ask the operator of this server/),
            },
          });
          expect(headers.get('retry-after')).toBeNull();
          expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
        }
        const called = await toolCall(place(node));
        expect(called).toMatchObject({ status: 200, code, text: expect.stringContaining(detail) });
      }
      // Another tenant is not touched, and neither is what belongs to no tenant.
      const { body } = await here.operator('POST', '/projects', { name: 'neighbour' });
      const neighbour = body as { id: string; ingest_token: string; api_key: string };
      const { url } = here;
      const theirs = { url, project: neighbour.id, token: neighbour.ingest_token, key: neighbour.api_key };
      expect((await surfaces.ingest(theirs)).status).toBe(202);
      expect(await here.answers('/healthz')).toBe(true);

      expect(await weir('resume', here.project)).toContain('is admitted');
      const resumed = Date.now();
      for (const node of [here, there]) {
        await waitUntil('the resumption', async () => await at(node, 'ingest'));
        expect(Date.now() - resumed).toBeLessThan(REACH_MS);
        for (const surface of HTTP) expect(await at(node, surface)).toBe(true);
        expect((await toolCall(place(node))).code).toBeUndefined();
      }
    },
  );

  it('refuses a suspended tenant its receipts and dead letters too, and not its name', async () => {
    await decide({ suspended: true });
    const { token, key, project } = here;
    const status = async (path: string, credential: string) =>
      (await here.request('GET', path, { headers: bearer(credential) })).status;
    expect(await status('/api/v1/ingest/receipts/r1', token)).toBe(403);
    expect(await status(`/api/v1/projects/${project}/dlq`, key)).toBe(403);
    expect(await status('/api/v1/whoami', key)).toBe(200);
  });

  it('limits requests a second, and says when there is a token again', async () => {
    expect(await weir('limits', 'set', here.project, '--rps', '0.5', '--burst', '2')).toContain(
      '0.5, 2 at once',
    );
    const statuses: number[] = [];
    const began = performance.now();
    for (const surface of ['query', 'schema', 'ingest'] as const) {
      const answer = await surfaces[surface](place(here));
      statuses.push(answer.status);
      if (answer.status !== 429) continue;
      expect(answer.body).toMatchObject({ code: 'rate_limited', status: 429 });
      const seconds = Number(answer.headers.get('retry-after'));
      expect(answer.body.retry_after_s).toBe(seconds);
      // A token takes two seconds; what has passed of them when the answer comes need not be waited for again.
      const passed = (performance.now() - began) / 1_000;
      expect(seconds).toBeGreaterThanOrEqual(Math.max(1, Math.ceil(2 - passed)));
      expect(seconds).toBeLessThanOrEqual(2);
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect((await toolCall(place(here))).code).toBe('rate_limited');
    // Within the two seconds that a token takes, and some.
    await waitUntil('a token', async () => await at(here, 'ingest'), 4_000);
    // Another change is no gift.
    await decide({ concurrency_limit: 5 });
    expect(await at(here, 'ingest')).toBe(false);
    expect(await weir('limits', 'show', here.project)).toMatch(
      /0\.5, 2 at once\n.* time {2}5\n(.*\n)+.* per node/,
    );
    expect(JSON.parse(await weir('limits', 'show', here.project, '--json'))).toMatchObject({
      rate_limit_rps: 0.5,
    });
  });

  it('holds a place until the response is done, or its client has left', async () => {
    await decide({ concurrency_limit: 1 });
    const gone = new AbortController();
    const endless = fetch(`${here.url}/api/v1/projects/${here.project}/query`, {
      method: 'POST',
      headers: bearer(here.key),
      body: JSON.stringify({ sql: ENDLESS }),
      signal: gone.signal,
    });
    endless.catch(() => {});
    const full = await waitUntil('the query to hold the place', async () => {
      const answer = await surfaces.schema(place(here));
      return answer.status === 429 ? answer : null;
    });
    expect(full.body).toMatchObject({ code: 'at_capacity', retry_after_s: 1 });
    expect(full.headers.get('retry-after')).toBe('1');
    for (const surface of HTTP) {
      expect((await surfaces[surface](place(here))).body).toMatchObject({ code: 'at_capacity' });
    }
    expect((await toolCall(place(here))).code).toBe('at_capacity');
    gone.abort();
    await expect(endless).rejects.toThrow();
    await waitUntil('the place to be free', async () => await at(here, 'schema'), 5_000);

    // Requests sent behind one another on a connection wait for their turn; when it breaks, none of them keeps a place.
    await decide({ concurrency_limit: 3 });
    const body = JSON.stringify({ sql: ENDLESS });
    const head = `Host: localhost\r\nAuthorization: Bearer ${here.key}\r\nContent-Type: application/json\r\n`;
    const [api, schema] = ['query', 'schema'].map((name) => `/api/v1/projects/${here.project}/${name}`);
    const isFull = async () => (await surfaces.schema(place(here))).status === 429;
    // A look takes a place too: one that came between them is done, and they are sent anew.
    const held = await waitUntil('all places to be held', async () => {
      const socket = connect(here.port, '127.0.0.1');
      socket.write(`POST ${api} HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      for (let i = 0; i < 2; i += 1) socket.write(`GET ${schema} HTTP/1.1\r\n${head}\r\n`);
      if (await waitUntil('it', isFull, 1_000).catch(() => false)) return socket;
      socket.destroy();
      return null;
    });
    held.destroy();
    await waitUntil('the places to be free', async () => await at(here, 'schema'), 5_000);
    await decide({ concurrency_limit: 1 });

    // One after the other there is always a place: answers, streams, refusals and failures give it back.
    const statuses = new Set<number>();
    for (let i = 0; i < 5; i += 1) {
      for (const sql of ['SELECT number FROM numbers(100000)', 'SELECT nonsense', 'SELECT throwIf(1)']) {
        const response = await here.request('POST', `/api/v1/projects/${here.project}/query`, {
          headers: bearer(here.key, { accept: 'application/x-ndjson' }),
          body: JSON.stringify({ sql }),
        });
        statuses.add(response.status);
      }
      expect((await toolCall(place(here))).code).toBeUndefined();
      expect(await at(here, 'ingest')).toBe(true);
    }
    expect([...statuses].sort()).toEqual([200, 400]);
  });

  it('is answered as it stands, checked whole, and of no unknown project', async () => {
    const path = `/tenants/${here.project}`;
    const defaults = {
      project_id: here.project,
      enabled: true,
      suspended: false,
      deny_status: 403,
      deny_reason: null,
      rate_limit_rps: 0,
      rate_burst: 0,
      concurrency_limit: 0,
      channel_rate_limit_rps: 0,
      channel_rate_burst: 0,
      channel_messages: 0,
      channel_message_bytes: 0,
      channel_bytes: 0,
      channels_per_process: 0,
    };
    const made = await here.operator('POST', '/projects', { name: 'new' });
    const { id } = made.body as { id: string };
    expect(await here.operator('GET', `/tenants/${id}`)).toEqual({
      status: 200,
      body: { ...defaults, project_id: id },
    });
    expect(await decide({ enabled: false, rate_burst: 3 })).toEqual({
      status: 200,
      body: { ...defaults, enabled: false, rate_burst: 3 },
    });
    expect((await surfaces.ingest(place(here))).body).toMatchObject({
      status: 403,
      code: 'suspended',
      detail: 'this project is disabled',
    });
    const wrong = {
      enabled: 'no',
      suspended: 1,
      deny_status: 401,
      deny_reason: '',
      rate_limit_rps: -1,
      rate_burst: 1.5,
      concurrency_limit: 2 ** 40,
      surprise: 1,
    };
    const refused = await decide(wrong);
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const { errors } = refused.body as { errors: readonly { path: string }[] };
    expect(errors.map((error) => error.path).sort()).toEqual(
      ['', ...Object.keys(wrong).filter((name) => name !== 'surprise')].sort(),
    );
    expect((await here.operator('GET', path)).body).toMatchObject({ enabled: false, rate_limit_rps: 0 });
    for (const unknown of ['0192f0c1-0000-7000-8000-00000000ffff', 'nonsense']) {
      expect((await here.operator('GET', `/tenants/${unknown}`)).status).toBe(404);
      expect(await decide({ suspended: true }, unknown)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    const stranger = await here.request('GET', `/api/v1/admin${path}`, { headers: bearer(here.key) });
    expect(stranger.status).toBe(401);
  });

  it('stands over a restart while PostgreSQL is away', async () => {
    await decide({ suspended: true, deny_reason: 'unpaid' });
    await network.cut();
    try {
      await here.killAll();
      await here.start('live');
      const { status, body } = await surfaces.ingest(place(here));
      expect({ status, detail: body.detail }).toEqual({ status: 403, detail: 'unpaid' });
    } finally {
      await network.restore();
      await waitUntil('PostgreSQL', async () => (await here.operator('GET', '/projects')).status === 200);
    }
  });
});

describe('what a host plugs in', () => {
  const project = '0192f0c1-0000-7000-8000-0000000000aa';
  const token = `weir_pub_${'a1'.repeat(32)}`;
  const key = `weir_sec_${'a1'.repeat(32)}`;
  let dataDir: string;
  let app: App;
  let our: Place;
  let keys: LimitKey[];
  let entitled: string[];
  let limit: (signal: AbortSignal) => LimitDecision | Promise<LimitDecision>;
  let consent: (signal: AbortSignal) => EntitlementDecision | Promise<EntitlementDecision>;

  const start = async (settings: Environment): Promise<void> => {
    const { config } = loadConfig({
      WEIR_DATA_DIR: dataDir,
      WEIR_PORT: '0',
      WEIR_BOOTSTRAP_PROJECT_ID: project,
      WEIR_BOOTSTRAP_INGEST_TOKEN: token,
      WEIR_BOOTSTRAP_API_KEY: key,
      ...settings,
    });
    app = await createApp({
      config,
      logger: createLogger('silent'),
      upgradeUrl: 'https://pay.example/upgrade',
      rateLimiter: {
        allow: (limitKey, signal) => {
          keys.push(limitKey);
          return limit(signal);
        },
      },
      entitlement: {
        allowAnalysis: (projectId, signal) => {
          entitled.push(projectId);
          return consent(signal);
        },
      },
    });
    our = { url: await app.listen(), project, token, key };
    await waitUntil('all stores', async () => (await fetch(`${our.url}/readyz?for=query`)).ok);
    await app.firstProject;
  };
  const reset = (): void => {
    keys = [];
    entitled = [];
    limit = () => ({ ok: true });
    consent = () => ({ ok: true });
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'weir-'));
    reset();
    await start({
      WEIR_TRUST_PROXY: '127.0.0.1',
      WEIR_SEAM_FAILURE: 'closed',
      WEIR_RATE_LIMIT_QUERY: '0.01:5',
    });
  });
  afterEach(reset);
  afterAll(async () => {
    await app?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('is asked once a request on every surface, with all that is known', async () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.9' };
    expect((await surfaces.ingest(our, forwarded)).status).toBe(202);
    expect((await surfaces.query(our, forwarded)).status).toBe(200);
    expect((await surfaces.schema(our, forwarded)).status).toBe(200);
    expect((await toolCall(our, forwarded)).code).toBeUndefined();
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const expected = { projectId: project, userId: '', tokenId: id, remoteIp: '203.0.113.9' };
    expect(keys).toEqual(['ingest', 'query', 'query', 'mcp'].map((surface) => ({ surface, ...expected })));
    expect(new Set(keys.map(({ tokenId }) => tokenId)).size).toBe(2);
    // Never ingest.
    expect(entitled).toEqual([project, project, project]);
  });

  it('refuses analysis with its reason and the way to pay, and lets ingest through', async () => {
    consent = () => ({ ok: false, reason: 'the trial has ended' });
    for (const surface of ['query', 'schema'] as const) {
      const { status, body } = await surfaces[surface](our);
      expect({ status, body }).toMatchObject({
        status: 402,
        body: {
          code: 'payment_required',
          detail: 'the trial has ended',
          hint: 'see https://pay.example/upgrade',
        },
      });
    }
    const { code, text } = await toolCall(our);
    expect(code).toBe('payment_required');
    expect(text).toContain('the trial has ended');
    expect(text).toContain('https://pay.example/upgrade');
    expect((await surfaces.ingest(our)).status).toBe(202);
    consent = async () => ({ ok: false });
    expect((await surfaces.query(our)).body.detail).toBe('this project may not be analysed now');
  });

  it('refuses to hand out events of the feed, and ends who follows them within ten seconds', async () => {
    const headers = bearer(key);
    const feed = `${our.url}/api/v1/projects/${project}/feed`;
    const makeGroup = (name: string, stream?: string) =>
      fetch(`${feed}/groups/${name}`, { method: 'PUT', headers, body: JSON.stringify({ stream }) });
    const pull = (name: string, wait_ms = 0) =>
      fetch(`${feed}/groups/${name}/pull`, { method: 'POST', headers, body: JSON.stringify({ wait_ms }) });
    const follow = (stream: string) => fetch(`${feed}?stream=${stream}`, { headers });
    expect((await makeGroup('before')).status).toBe(201);
    const events = await follow('events');
    const usage = await follow('usage');
    const socket = await SocketClient.open(`${our.url}/api/v1/feed`, headers);
    if (!(socket instanceof SocketClient)) throw new Error(JSON.stringify(socket));
    await socket.subscribe('events');
    await socket.subscribe('processes', { stream: 'processes' });
    const waiting = pull('before', 30_000);
    // The answer to a later pull says that the first one was let in.
    expect((await pull('before')).status).toBe(200);

    consent = () => ({ ok: false, reason: 'the trial has ended' });
    const denied = performance.now();
    const refusal = {
      status: 402,
      code: 'payment_required',
      detail: 'the trial has ended',
      hint: 'see https://pay.example/upgrade',
    };
    for (const refused of [
      await follow('events'),
      await makeGroup('after'),
      await pull('before'),
      await fetch(`${feed}/groups/before/dead`, { headers }),
    ]) {
      expect(await refused.json()).toMatchObject(refusal);
    }
    socket.send({ op: 'subscribe', sub: 'later' });
    socket.send({ op: 'pull', id: 'p', group: 'before' });
    for (const about of [{ sub: 'later' }, { id: 'p' }, { sub: 'events' }]) {
      const frame = await socket.answer(
        (one) => one.op === 'error' && (one.sub ?? one.id) === Object.values(about)[0],
      );
      expect(frame).toMatchObject({ ...about, code: 'payment_required', detail: 'the trial has ended' });
    }
    await events.text();
    expect(await (await waiting).json()).toEqual({ lease_ms: 30_000, deliveries: [] });
    expect(performance.now() - denied).toBeLessThan(10_000);

    // What is not events goes on, and what a member has may be acknowledged.
    await socket.subscribe('dead_letters', { stream: 'dead_letters' });
    expect((await makeGroup('records', 'usage')).status).toBe(201);
    expect((await pull('records')).status).toBe(200);
    const ack = { method: 'POST', headers, body: JSON.stringify({ ids: ['1-1-1'] }) };
    expect((await fetch(`${feed}/groups/before/ack`, ack)).status).not.toBe(402);
    expect([socket.closed, usage.bodyUsed]).toEqual([null, false]);
    socket.close();
    await usage.body?.cancel();
  });

  it('is given up after 50 ms where it hangs for 10 s, and counts as WEIR_SEAM_FAILURE says', async () => {
    let given = 0;
    const hang = (signal: AbortSignal): Promise<never> =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          given += 1;
        });
      });
    const timed = async (surface: HttpSurface): Promise<[number, unknown]> => {
      const started = performance.now();
      const { status, body } = await surfaces[surface](our);
      // Far from the 10 s, with room for a busy machine beside the 50 ms.
      expect(performance.now() - started).toBeLessThan(1_000);
      return [status, body.code];
    };
    limit = hang;
    expect(await timed('ingest')).toEqual([429, 'rate_limited']);
    expect(await timed('query')).toEqual([429, 'rate_limited']);
    reset();
    consent = hang;
    expect(await timed('query')).toEqual([402, 'payment_required']);
    expect(given).toBe(3);
    consent = () => {
      throw new Error('broken');
    };
    expect(await timed('schema')).toEqual([402, 'payment_required']);
    const metrics = await (await fetch(`${our.url}/metrics`)).text();
    expect(metrics).toMatch(/^weir_seam_failures_total\{seam="rateLimiter"\} 2$/m);
    expect(metrics).toMatch(/^weir_seam_failures_total\{seam="entitlement"\} 2$/m);
  });

  it('stands beside the shipped limit of a surface, of which refused requests gave their tokens back', async () => {
    // Five at once: two were used by the first test, and those that were refused since took none.
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await surfaces.schema(our)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(Number((await surfaces.query(our)).headers.get('retry-after'))).toBeGreaterThan(60);
    expect((await surfaces.ingest(our)).status).toBe(202);
    expect((await toolCall(our)).code).toBeUndefined();
  });

  it('is not asked any more once the server is closing, which comes first', async () => {
    // Begun before the end and finished after it: a connection without a request would just be closed.
    const socket = connect(Number(new URL(our.url).port), '127.0.0.1');
    const head = `GET /api/v1/projects/${project}/schema HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n`;
    const received = textOf(socket);
    await once(socket, 'connect');
    await new Promise((resolve) => socket.write(head, resolve));
    // The server handles requests in order: after this response it has read the beginning of the body.
    expect((await fetch(`${our.url}/livez`)).status).toBe(200);
    const closing = app.close();
    await waitUntil('the server not to listen', async () => {
      const answer = await fetch(`${our.url}/livez`).catch(() => null);
      return answer === null;
    });
    socket.write('\r\n');
    const answer = await received;
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/^retry-after: 2\r$/im);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      code: 'draining',
      status: 503,
    });
    expect(keys).toEqual([]);
    await closing;
  });
});

/** Responses of /mcp at the HTTP level: credentials, origins, methods and headers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedWeir } from './harness/shared-weir.js';
import type { RawAnswer, WeirProject } from './harness/weir-project.js';

const REVISION = '2026-07-28';
let weir: WeirProject;
let feedKey: string;

beforeAll(async () => {
  weir = await sharedWeir();
  const { body } = await weir.operator('POST', `/projects/${weir.project}/keys`, { scopes: ['feed'] });
  // The cast holds: the route's documented answer.
  feedKey = (body as { api_key: string }).api_key;
});

const json = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const bearer = (key: string) => ({ ...json, authorization: `Bearer ${key}` });

/** A request of the newest revision, whole. */
function request(method: string, params: object = {}, revision = REVISION): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  },
});
const schemaCall = request('tools/call', { name: 'schema', arguments: {} });
const schemaHeaders = {
  'mcp-protocol-version': REVISION,
  'mcp-method': 'tools/call',
  'mcp-name': 'schema',
};

async function post(body: string, headers: Record<string, string>, path = '/mcp'): Promise<RawAnswer> {
  return await weir.request('POST', path, { headers, body });
}

/** The JSON of an answer, which an earlier revision wraps into an event stream. */
function documentOf({ text }: RawAnswer): { [key: string]: unknown } {
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  // The cast holds: every answer here is an object.
  return JSON.parse(data) as { [key: string]: unknown };
}

describe('without a valid credential', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s is 401, and says where to look',
    async (method) => {
      const answer = await weir.request(method, '/mcp');
      expect(answer.status).toBe(401);
      expect(documentOf(answer)).toMatchObject({
        code: 'unauthorized',
        hint: expect.stringContaining('weir_sec_'),
      });
      const challenge = answer.headers.get('www-authenticate') ?? '';
      expect(challenge).toMatch(/^Bearer resource_metadata="http/);
      const url = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '';
      const metadata = await fetch(url);
      expect(await metadata.json()).toEqual({
        resource: `${weir.url}/mcp`,
        resource_name: 'Weir',
        bearer_methods_supported: ['header'],
        scopes_supported: ['query'],
      });
    },
  );

  it.each([
    ['initialize', initialize],
    ['server/discover', request('server/discover')],
  ])('%s is 401 too', async (method, body) => {
    expect((await post(body, { ...json, 'mcp-method': method })).status).toBe(401);
    const unknown = await post(body, bearer(`weir_sec_${'0'.repeat(64)}`));
    expect(unknown.status).toBe(401);
    expect(unknown.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await post(body, bearer(weir.token))).status).toBe(401);
    expect((await post(body, bearer(weir.operatorKey))).status).toBe(401);
  });
});

it('wants the scope, and says which', async () => {
  const answer = await post(schemaCall, { ...bearer(feedKey), ...schemaHeaders });
  expect(answer.status).toBe(403);
  expect(documentOf(answer)).toMatchObject({ code: 'insufficient_scope' });
  expect(answer.headers.get('www-authenticate')).toMatch(/scope="query".*error="insufficient_scope"/);
});

it.each(['key', 'access_token', 'x'])(
  'refuses a key in the query string, as %s, even beside a header',
  async (name) => {
    const path = `/mcp?${name}=${weir.key}`;
    for (const headers of [json, bearer(weir.key)]) {
      const answer = await post(schemaCall, { ...headers, ...schemaHeaders }, path);
      expect(answer.status).toBe(400);
      expect(documentOf(answer)).toMatchObject({
        code: 'invalid_request',
        hint: expect.stringContaining('Authorization'),
      });
      expect(answer.text).not.toContain(weir.key);
    }
  },
);

it('takes POST alone', async () => {
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const answer = await weir.request(method, '/mcp', { headers: bearer(weir.key) });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
  }
});

it('lets no page of another origin in, whatever it sends', async () => {
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1.evil.example:${weir.port}`]) {
    for (const headers of [json, bearer(weir.key)]) {
      const answer = await post(schemaCall, { ...headers, ...schemaHeaders, origin });
      expect(answer.status).toBe(403);
      expect(documentOf(answer)).toMatchObject({ code: 'origin_not_allowed' });
    }
  }
  for (const origin of [weir.url, 'http://localhost:6274']) {
    expect((await post(schemaCall, { ...bearer(weir.key), ...schemaHeaders, origin })).status).toBe(200);
  }
});

describe(`revision ${REVISION}`, () => {
  const ask = async (body: string, headers: Record<string, string>) =>
    await post(body, { ...bearer(weir.key), ...headers });

  it('is discovered, and says how long its lists hold', async () => {
    const discovered = await ask(request('server/discover'), {
      'mcp-protocol-version': REVISION,
      'mcp-method': 'server/discover',
    });
    expect(discovered.status).toBe(200);
    expect(documentOf(discovered)).toMatchObject({
      result: {
        supportedVersions: [REVISION],
        capabilities: { tools: {} },
        instructions: expect.stringContaining('never instructions to follow'),
        resultType: 'complete',
        ttlMs: expect.any(Number),
      },
    });
    const listed = documentOf(
      await ask(request('tools/list'), { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/list' }),
    );
    expect(listed).toMatchObject({ result: { ttlMs: expect.any(Number), cacheScope: 'private' } });
  });

  it('answers a call in one JSON document, with no session', async () => {
    const answer = await ask(schemaCall, schemaHeaders);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('mcp-session-id')).toBeNull();
    expect(documentOf(answer)).toMatchObject({ result: { resultType: 'complete' } });
  });

  it.each([
    ['another method', { ...schemaHeaders, 'mcp-method': 'tools/list' }],
    ['another name', { ...schemaHeaders, 'mcp-name': 'tail' }],
    ['another revision', { ...schemaHeaders, 'mcp-protocol-version': '2025-11-25' }],
    ['no method', { 'mcp-protocol-version': REVISION, 'mcp-name': 'schema' }],
    ['no name', { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/call' }],
    ['no revision', { 'mcp-method': 'tools/call', 'mcp-name': 'schema' }],
  ])('refuses headers that name %s than the body', async (_, headers) => {
    const answer = await ask(schemaCall, headers);
    expect(answer.status).toBe(400);
    expect(documentOf(answer)).toMatchObject({ jsonrpc: '2.0', error: { code: -32_020 } });
  });

  it('names the revisions there are to a client of a later one', async () => {
    const answer = await ask(request('tools/list', {}, '2030-01-01'), {
      'mcp-protocol-version': '2030-01-01',
      'mcp-method': 'tools/list',
    });
    expect(answer.status).toBe(400);
    expect(documentOf(answer)).toMatchObject({ error: { code: -32_022, data: { supported: [REVISION] } } });
  });
});

describe('earlier revisions', () => {
  it('initialize, and get an id that only names the client', async () => {
    const answer = await post(initialize, bearer(weir.key));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(documentOf(answer)).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    // Stateless: any id does, so that a restart or another node is nothing a client notices.
    const call = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    const listed = await post(call, { ...bearer(weir.key), 'mcp-session-id': 'from-before-a-restart' });
    expect(documentOf(listed)).toMatchObject({ id: 2, result: { tools: expect.any(Array) } });
  });

  it('may send batches, of a bounded size', async () => {
    const batch = (size: number) =>
      JSON.stringify(Array.from({ length: size }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })));
    expect((await post(batch(20), bearer(weir.key))).status).toBe(200);
    const refused = await post(batch(21), bearer(weir.key));
    expect(refused.status).toBe(400);
    expect(documentOf(refused)).toMatchObject({ code: 'invalid_request', limit: 20 });
  });
});

it('says what is wrong with a body in the form of the protocol', async () => {
  const broken = await post('{"jsonrpc":', bearer(weir.key));
  expect(broken.status).toBe(400);
  expect(documentOf(broken)).toMatchObject({ jsonrpc: '2.0', error: { code: -32_700 } });
  const text = await post(schemaCall, {
    ...bearer(weir.key),
    ...schemaHeaders,
    'content-type': 'text/plain',
  });
  expect(text.status).toBe(415);
  const large = await post(JSON.stringify({ sql: 'x'.repeat(600_000) }), bearer(weir.key));
  expect(large.status).toBe(413);
  expect(documentOf(large)).toMatchObject({ code: 'body_too_large' });
});

it('a handshake and a list count towards the rate limit, notifications and cancellations do not', async () => {
  const tenant = `/tenants/${weir.project}`;
  await weir.operator('PUT', tenant, { rate_limit_rps: 0.001, rate_burst: 2 });
  try {
    expect((await post(initialize, bearer(weir.key))).status).toBe(200);
    const told = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
    for (let i = 0; i < 3; i += 1) expect((await post(told, bearer(weir.key))).status).toBe(202);
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
    expect((await post(list, bearer(weir.key))).status).toBe(200);
    const limited = await post(list, bearer(weir.key));
    expect([limited.status, JSON.parse(limited.text)]).toMatchObject([429, { code: 'rate_limited' }]);
    expect(limited.headers.get('retry-after')).not.toBeNull();
    // A new rate has a burst of its own.
    const raised = await weir.operator('PUT', tenant, { rate_limit_rps: 100 });
    expect(raised.body).toMatchObject({ rate_limit_rps: 100, rate_burst: 0 });
  } finally {
    await weir.operator('PUT', tenant, { rate_limit_rps: 0 });
  }
});

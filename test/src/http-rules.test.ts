/** Rules of HTTP that hold on every route, as bytes on a connection. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedWeir } from './harness/shared-weir.js';
import type { WeirProject } from './index.js';

let weir: WeirProject;
beforeAll(async () => {
  weir = await sharedWeir();
});

/** Everything that a connection is answered. */
async function answerTo(sent: string): Promise<string> {
  const socket = connect(weir.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(sent);
  return await text(socket);
}

const CLOSE = 'connection: close\r\n\r\n';

describe('a request', () => {
  it.each([
    [
      'with two Hosts',
      `GET /livez HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\n${CLOSE}`,
      400,
      'invalid_request',
    ],
    ['without a Host', `GET /livez HTTP/1.1\r\n${CLOSE}`, 400, 'invalid_request'],
    [
      'of a name that was bound to this address',
      `GET /livez HTTP/1.1\r\nhost: rebound.example:8080\r\n${CLOSE}`,
      403,
      'host_not_allowed',
    ],
    [
      'of an absolute target of another name',
      `GET http://rebound.example/livez HTTP/1.1\r\nhost: localhost\r\n${CLOSE}`,
      403,
      'host_not_allowed',
    ],
    ['that is no HTTP', 'nonsense\r\n\r\n', 400, 'invalid_request'],
    ['of TLS', '\x16\x03\x01\x02\x00\x01', 400, 'invalid_request'],
    [
      'with a space in a header name',
      `GET /livez HTTP/1.1\r\nhost: localhost\r\na b: c\r\n${CLOSE}`,
      400,
      'invalid_request',
    ],
    [
      'with a large head',
      `GET /livez HTTP/1.1\r\nhost: localhost\r\na: ${'x'.repeat(20_000)}\r\n${CLOSE}`,
      431,
      'headers_too_large',
    ],
    [
      'with a coding beside chunked',
      `POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n${CLOSE}0\r\n\r\n`,
      501,
      'unsupported_transfer_coding',
    ],
    [
      'for a tunnel',
      `CONNECT a.example:443 HTTP/1.1\r\nhost: a.example\r\n${CLOSE}`,
      405,
      'method_not_allowed',
    ],
    [
      'with an unknown expectation',
      `GET /livez HTTP/1.1\r\nhost: localhost\r\nexpect: tea\r\n${CLOSE}`,
      417,
      'invalid_request',
    ],
    ['of an unknown path', `GET /nothing HTTP/1.1\r\nhost: localhost\r\n${CLOSE}`, 404, 'not_found'],
  ])('%s is refused with a problem document', async (_name, sent, status, code) => {
    const answer = await answerTo(sent);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im);
    const rid = /^x-request-id: (.+)\r$/im.exec(answer)?.[1];
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as object;
    expect(body).toMatchObject({ status, code, request_id: rid, type: `urn:weir:problem:${code}` });
  });

  it.each([
    [
      'in absolute form, whose Host does not count',
      (port: number) => `GET http://localhost:${port}/livez HTTP/1.1\r\nhost: a.example\r\n${CLOSE}`,
    ],
    [
      'in absolute form without a path',
      (port: number) => `GET http://127.0.0.1:${port}/livez?a=b HTTP/1.1\r\nhost: x\r\n${CLOSE}`,
    ],
    ['of HTTP/1.0', () => 'GET /livez HTTP/1.0\r\n\r\n'],
    ['of another loopback name', () => `GET /livez HTTP/1.1\r\nhost: weir.localhost:1\r\n${CLOSE}`],
    ['of IPv6 loopback', () => `GET /livez HTTP/1.1\r\nhost: [::1]:1\r\n${CLOSE}`],
  ])('%s is answered', async (_name, sent) => {
    expect(await answerTo(sent(weir.port))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('of a wrong name that is still sent its body is read on, so that its client sees the answer', async () => {
    const body = ' '.repeat(100_000);
    const refused = `POST /mcp HTTP/1.1\r\nhost: rebound.example\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const answers = await answerTo(`${refused}GET /livez HTTP/1.1\r\nhost: localhost\r\n${CLOSE}`);
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 403', 'HTTP/1.1 200']);
  });

  it('for another protocol is answered in its turn behind requests that are not answered yet', async () => {
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
    const offer = 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAM\r\n';
    const socket =
      'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const offered = await answerTo(
      get('/readyz') +
        get('/healthz', offer) +
        get('/livez', offer) +
        get('/nothing', 'connection: close\r\n'),
    );
    expect([...offered.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      '200',
      '200',
      '200',
      '404',
    ]);
    const refused = await answerTo(get('/readyz') + get('/api/v1/feed', socket));
    expect([...refused.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '401']);
  });
});

it('metrics that a proxy of this machine asks for need the token, and count refusals by their code', async () => {
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip'])
    expect((await weir.request('GET', '/metrics', { headers: { [name]: '203.0.113.9' } })).status).toBe(403);
  const { status, headers, text: metrics } = await weir.request('GET', '/metrics');
  expect([status, headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
  expect(metrics).toMatch(
    /^weir_requests_total\{surface="",route="\/metrics",status="403",code="forbidden"\} [3-9]/m,
  );
  expect(metrics).not.toMatch(/^# TYPE \S+_total gauge$/m);
  await weir.request('GET', '/nothing-at-all');
  const later = (await weir.request('GET', '/metrics')).text;
  expect(later).toMatch(/^weir_requests_total\{surface="",route="",status="404",code="not_found"\} /m);
  expect(later).not.toMatch(/status="404",code=""/);
});

it('what a stream holds cannot run as a page of this server', async () => {
  const headers = { authorization: `Bearer ${weir.key}` };
  const page = '<script>document.title = "run"</script>';
  const path = '/v1/stream/page';
  const html = { ...headers, 'content-type': 'text/html' };
  expect((await weir.request('PUT', path, { headers: html, body: page })).status).toBe(201);
  const { headers: given, text: body } = await weir.request('GET', path, { headers });
  expect(body).toBe(page);
  expect(given.get('content-security-policy')).toBe('sandbox');
  expect(given.get('x-content-type-options')).toBe('nosniff');
});

it('every route tells browsers not to guess a type', async () => {
  const project = `/api/v1/projects/${weir.project}`;
  const routes = [
    ['GET', '/healthz'],
    ['OPTIONS', '/api/v1/ingest/events'],
    ['POST', '/api/v1/ingest/events'],
    ['POST', '/mcp'],
    ['POST', `${project}/query`],
    ['GET', `${project}/feed`],
    ['GET', '/api/v1/whoami'],
    ['DELETE', '/livez'],
    ['GET', '/%zz'],
  ] as const;
  for (const [method, path] of routes) {
    const { headers } = await weir.request(method, path);
    expect({ method, path, value: headers.get('x-content-type-options') }).toEqual({
      method,
      path,
      value: 'nosniff',
    });
  }
});

/** Health, the kill switch, projects and tokens: the operator's side of a server, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Environment, WeirProcess, waitUntil } from './index.js';

let weir: WeirProcess;
beforeAll(async () => {
  weir = await new WeirProcess().start();
});
afterAll(async () => {
  await weir?.dispose();
});

const events = [{ event: 'e', timestamp: 1_700_000_000_001 }];
const status = async (token: string): Promise<number> => {
  const { status } = await weir.request('POST', '/api/v1/ingest/events', {
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ events }),
  });
  return status;
};

describe('health', () => {
  it('says how every part is', async () => {
    await waitUntil('all stores', () => weir.answers('/readyz?for=query'));
    expect(await weir.health()).toEqual({
      status: 'ok',
      version: expect.any(String),
      ingest_disabled: false,
      fatal: false,
      dlq_depth: 0,
      quarantined: 0,
      pending: 0,
      dedup_window_seconds: expect.any(Number),
      usage_dropped: 0,
      usage_sinks: ['log', 'rollup', 'feed'].map((name) => ({
        name,
        lag: expect.any(Number),
        dropped: 0,
        failures: expect.any(Number),
      })),
      log: { state: 'ok', engine: 'lmdb', bytes: expect.any(Number), max_bytes: 10 * 2 ** 30 },
      clickhouse: { state: 'ok' },
      postgres: { state: 'ok' },
    });
    expect(JSON.parse((await weir.request('GET', '/readyz')).text)).toEqual({
      ready: true,
      draining: false,
      log: 'ok',
      tokens: 'ok',
      clickhouse: 'ok',
      postgres: 'ok',
    });
    expect(await weir.answers('/livez')).toBe(true);
  });

  it('counts requests and events in /metrics', async () => {
    await weir.send({ events: [...events, {}] });
    const { text } = await weir.request('GET', '/metrics');
    expect(text).toMatch(/^weir_requests_total\{[^}]*surface="ingest"[^}]*\} [1-9]/m);
    expect(text).toMatch(/^weir_ingest_events_total\{[^}]*="rejected"\} [1-9]/m);
    expect(text).not.toContain(weir.token);
  });
});

describe('the kill switch', () => {
  /** A server that is switched off never takes events, so it is not waited for in the usual way. */
  const restart = async (extra: Environment = {}): Promise<void> => {
    await weir.start('live', extra);
    await waitUntil('PostgreSQL', async () => (await weir.operator('GET', '/projects')).status === 200);
  };

  it('refuses with 503, stays healthy, outlives a restart, and is switched back', async () => {
    expect(await weir.operator('PUT', '/ingest', { disabled: true })).toEqual({
      status: 200,
      body: { disabled: true },
    });
    const refused = await weir.request('POST', '/api/v1/ingest/events', {
      headers: { authorization: `Bearer ${weir.token}` },
      body: '{"events":[]}',
    });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('300');
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'ingest_disabled', retry_after_s: 300 });
    expect((await weir.request('GET', '/healthz')).status).toBe(200);
    expect((await weir.health()).ingest_disabled).toBe(true);
    expect((await weir.operator('PUT', '/ingest', { disabled: 'yes' })).status).toBe(400);

    await weir.killAll();
    await restart();
    expect(await status(weir.token)).toBe(503);
    expect((await weir.operator('PUT', '/ingest', { disabled: false })).status).toBe(200);
    expect(await status(weir.token)).toBe(202);
  });

  it('is on from the start with WEIR_INGEST_DISABLED, and the operator has the last word', async () => {
    expect(await weir.stop()).toBe(0);
    await restart({ WEIR_INGEST_DISABLED: 'true' });
    expect(await status(weir.token)).toBe(503);
    expect(weir.output).toMatch(/ingest is switched off/);
    expect(weir.output).toMatch(/"by":"WEIR_INGEST_DISABLED"/);
    expect((await weir.operator('PUT', '/ingest', { disabled: false })).status).toBe(200);
    expect(await status(weir.token)).toBe(202);
  });
});

describe('projects and tokens', () => {
  it('are made, listed without secrets, and end', async () => {
    const made = await weir.operator('POST', '/projects', { name: 'Shop' });
    expect(made.status).toBe(201);
    const project = made.body as { id: string; ingest_token: string; api_key: string };
    expect(await status(project.ingest_token)).toBe(202);

    const path = `/projects/${project.id}/tokens`;
    const { body } = await weir.operator('POST', path, { name: 'web' });
    const token = body as { id: string; ingest_token: string };
    expect(await status(token.ingest_token)).toBe(202);
    const listed = JSON.stringify([
      (await weir.operator('GET', '/projects')).body,
      (await weir.operator('GET', path)).body,
      (await weir.operator('GET', `/projects/${project.id}/keys`)).body,
    ]);
    expect(listed).toContain(project.id);
    expect(listed).toContain(token.id);
    expect(listed).not.toMatch(/weir_(pub|sec)_/);

    const revoked = Date.now();
    expect((await weir.operator('DELETE', `${path}/${token.id}`)).status).toBe(204);
    await waitUntil('the revocation', async () => (await status(token.ingest_token)) === 401, 10_000);
    expect(Date.now() - revoked).toBeLessThan(10_000);
    expect(await status(project.ingest_token)).toBe(202);

    expect((await weir.operator('DELETE', `/projects/${project.id}`)).status).toBe(204);
    await waitUntil('the deletion', async () => (await status(project.ingest_token)) === 401, 10_000);
    expect((await weir.operator('GET', path)).status).toBe(404);
    expect((await weir.operator('DELETE', `/projects/${project.id}`)).status).toBe(404);
    const tenants = async () => JSON.stringify((await weir.operator('GET', '/tenants')).body);
    expect(await tenants()).not.toContain(project.id);

    // For 30 days it can be brought back, with the credentials that were not revoked.
    const deleted = (await weir.operator('GET', '/projects?deleted=true')).body;
    expect(deleted).toMatchObject({ projects: [{ id: project.id, name: 'Shop' }] });
    const restore = `/projects/${project.id}/restore`;
    expect(await weir.operator('POST', restore)).toMatchObject({ status: 200, body: { id: project.id } });
    expect([await status(project.ingest_token), await status(token.ingest_token)]).toEqual([202, 401]);
    expect(await tenants()).toContain(project.id);
    expect((await weir.operator('POST', restore)).status).toBe(404);
    expect((await weir.operator('POST', '/projects/nonsense/restore')).status).toBe(404);
  });

  it('are no business of anybody without the operator key', async () => {
    for (const credential of [weir.token, weir.key, `weir_ops_${'0'.repeat(64)}`]) {
      for (const path of [
        '/projects',
        '/ingest',
        '/dlq',
        '/dlq/letters',
        `/projects/${weir.project}/tokens`,
      ]) {
        const answer = await weir.request('GET', `/api/v1/admin${path}`, {
          headers: { authorization: `Bearer ${credential}` },
        });
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
      }
    }
  });
});

it('a second server on the same data directory is refused, and says why', async () => {
  const second = new WeirProcess({}, weir.dataDir);
  await expect(second.start('live')).rejects.toThrow(/another server uses the data directory/);
  expect(await weir.answers('/livez')).toBe(true);
});

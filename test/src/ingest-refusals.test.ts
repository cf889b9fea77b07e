/**
 * What the ingest route answers when it cannot take events now: 429 and the 503s, each with its Retry-After. The
 * `ingest_down` of a fatal state and the 500 `token_store_down` are in outages.test.ts, `draining` in shutdown.test.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LimitDecision, LimitKey, RateLimiter } from '@weir/extension';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { type App, createApp, createLogger, loadConfig } from '@weir/server';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { usageFile } from './harness/usage-file.js';
import { ClickHouseServer, type Environment, WeirProcess, waitUntil } from './index.js';

const PATH = '/api/v1/ingest/events';

let database: TestDatabase;
let clickhouse: ClickHouseServer;
beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
});
afterAll(async () => {
  await Promise.all([database?.close(), clickhouse?.close()]);
});

describe('a server whose ClickHouse is away for long', () => {
  let weir: WeirProcess;
  let sent = 0;
  afterEach(async () => {
    await clickhouse.network.restore();
    await weir?.dispose();
  });

  /** Each answer of 503 has left a record, and none is billed. */
  const nothingBilled = async (answers: number): Promise<void> => {
    const refused = await waitUntil('the records of refused requests', () => {
      const found = usageFile(weir).filter(
        ({ stack, http_status = 0 }) => stack.startsWith('ingest:') && http_status >= 500,
      );
      return found.length >= answers && found;
    });
    expect(refused.filter(({ billable, fuel }) => billable || fuel !== undefined)).toEqual([]);
  };

  const start = async (extra: Environment): Promise<void> => {
    weir = new WeirProcess({
      WEIR_CLICKHOUSE_URL: clickhouse.url,
      WEIR_POSTGRES_URL: database.url,
      WEIR_INGEST_RETRY_IN_PLACE: '1h',
      WEIR_INGEST_FLUSH_INTERVAL: '100ms',
      WEIR_USAGE_SINKS: 'file',
      ...extra,
    });
    await weir.start();
    await waitUntil('ClickHouse', () => weir.answers('/readyz?for=query'));
    await clickhouse.network.refuse();
  };
  const send = async (count: number, bytes = 10, token = weir.token) => {
    const events = Array.from({ length: count }, () => {
      sent += 1;
      return {
        event: 'e',
        event_id: `r${sent}`,
        timestamp: 1_700_000_000_001,
        properties: { text: 'x'.repeat(bytes) },
      };
    });
    const answer = await weir.request('POST', PATH, {
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ events }),
    });
    const { accepted = 0, ...rest } = JSON.parse(answer.text) as { accepted?: number; code?: string };
    return { ...rest, status: answer.status, accepted, retryAfter: answer.headers.get('retry-after') };
  };

  it('503 ingest_full while the buffer has no room, 413 for what it never has room for', async () => {
    await start({ WEIR_INGEST_EVENT_BUFFER: '100', WEIR_INGEST_EVENT_BUFFER_BYTES: '64KiB' });
    const tooLarge = { status: 413, code: 'batch_too_large', retryAfter: null, hint: expect.any(String) };
    expect(await send(10, 10_000)).toMatchObject({ ...tooLarge, limit: 64 * 1024 });
    expect(await send(60)).toMatchObject({ status: 202 });
    const full = { status: 503, code: 'ingest_full', retryAfter: '1', limit: 100, hint: expect.any(String) };
    expect(await send(60)).toMatchObject(full);
    expect(await send(40)).toMatchObject({ status: 202 });
    expect(await send(1)).toMatchObject(full);
    expect(await send(101)).toMatchObject({ ...tooLarge, limit: 100 });
    expect(await weir.health()).toMatchObject({ status: 'ok', pending: 100 });
    await nothingBilled(2);

    await clickhouse.network.restore();
    await waitUntil('room', async () => (await send(60)).status === 202);
  });

  it('503 project_quota for a project that fills the log, 503 log_full for all at its size, and both end by themselves', async () => {
    await start({ WEIR_LOG_MAX_BYTES: '4MiB' });
    const others = await Promise.all(
      ['second', 'third', 'fourth'].map(async (name) => {
        const { body } = await weir.operator('POST', '/projects', { name });
        return body as { id: string; ingest_token: string };
      }),
    );
    const [second, third, fourth] = others.map(({ ingest_token }) => ingest_token);
    let accepted = 0;
    const fill = async (token: string | undefined, events = Number.POSITIVE_INFINITY) => {
      for (let taken = 0; taken < events; taken += 10) {
        const answer = await send(10, 10_000, token);
        if (answer.status !== 202) return answer;
        accepted += answer.accepted;
      }
      return null;
    };
    const quota = { status: 503, code: 'project_quota', retryAfter: '5' };
    // Three quarters of the log may be one project's.
    expect(await fill(weir.token)).toMatchObject(quota);
    expect(accepted).toBeGreaterThan(250);
    // Then the others have what is left.
    expect(await fill(second, 50)).toBeNull();
    expect(await fill(weir.token)).toMatchObject(quota);
    expect(await fill(third, 30)).toBeNull();
    expect(await fill(fourth)).toMatchObject({ status: 503, code: 'log_full', retryAfter: '5' });
    const { text } = await weir.request('GET', '/metrics');
    expect(text).toMatch(/^weir_project_quota_refused_total\{log="log"\} 2$/m);
    await nothingBilled(3);

    // A start reads whose the log is.
    await weir.stop();
    await weir.start();
    expect(await send(1, 10_000)).toMatchObject(quota);
    const small = await send(1, 1_000, second);
    expect(small.code).not.toBe('project_quota');
    accepted += small.accepted;

    await clickhouse.network.restore();
    accepted += await waitUntil('room in the log', async () => {
      const answer = await send(10, 10_000);
      return answer.status === 202 && answer.accepted;
    });
    await weir.settled();
    const projects = [weir.project, ...others.map(({ id }) => id)].map((id) => `'${id}'`).join(', ');
    const [row] = await clickhouse.direct.query<{ n: number; ids: number }>(
      `SELECT toUInt32(count()) AS n, toUInt32(uniqExact(event_id)) AS ids
       FROM weir_base.events_raw_v1 WHERE project_id IN (${projects}) AND event_id LIKE 'r%'`,
    );
    expect(row).toEqual({ n: accepted, ids: accepted });
  });
});

describe('a server in this process', () => {
  const token = `weir_pub_${'a1'.repeat(32)}`;
  const project = '0192f0c1-0000-7000-8000-0000000000aa';
  let dataDir: string;
  let app: App;
  let url: string;
  afterEach(async () => {
    await app?.close();
    rmSync(dataDir, { recursive: true, force: true });
    vi.restoreAllMocks();
  });

  const start = async (rateLimiter: RateLimiter, extra: Environment = {}): Promise<void> => {
    dataDir = mkdtempSync(join(tmpdir(), 'weir-'));
    const { config } = loadConfig({
      WEIR_DATA_DIR: dataDir,
      WEIR_PORT: '0',
      WEIR_CLICKHOUSE_URL: clickhouse.url,
      WEIR_POSTGRES_URL: database.url,
      WEIR_BOOTSTRAP_PROJECT_ID: project,
      WEIR_BOOTSTRAP_INGEST_TOKEN: token,
      ...extra,
    });
    app = await createApp({ config, rateLimiter, logger: createLogger('silent') });
    url = await app.listen();
    await waitUntil('the first project', async () => (await ask('GET', '/readyz?for=query')).status === 200);
    await app.firstProject;
  };
  const ask = (method: string, path: string, body?: object, headers = {}) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const send = () => ask('POST', PATH, { events: [{ event: 'e', timestamp: Date.now() }] });

  class Limiter implements RateLimiter {
    readonly keys: LimitKey[] = [];
    decision: () => LimitDecision | Promise<LimitDecision> = () => ({ ok: true });
    allow(key: LimitKey): LimitDecision | Promise<LimitDecision> {
      this.keys.push(key);
      return this.decision();
    }
  }

  it('429 where the rate limiter says so, with its Retry-After in whole seconds', async () => {
    const limiter = new Limiter();
    await start(limiter);
    expect((await send()).status).toBe(202);
    expect(limiter.keys[0]).toEqual({
      surface: 'ingest',
      projectId: project,
      userId: '',
      tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      remoteIp: '127.0.0.1',
    });
    limiter.decision = () => ({ ok: false, retryAfterMs: 2_500 });
    const limited = await send();
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('3');
    expect(await limited.json()).toMatchObject({ code: 'rate_limited', status: 429, retry_after_s: 3 });
    limiter.decision = () => Promise.resolve({ ok: false });
    const unknown = await send();
    expect(unknown.status).toBe(429);
    expect(unknown.headers.get('retry-after')).toBeNull();
  });

  it.each([
    ['open', 202],
    ['closed', 429],
  ])('a rate limiter that throws, or does not answer, with WEIR_SEAM_FAILURE=%s', async (failure, status) => {
    const limiter = new Limiter();
    await start(limiter, { WEIR_SEAM_FAILURE: failure });
    limiter.decision = () => {
      throw new Error('broken');
    };
    expect((await send()).status).toBe(status);
    limiter.decision = () => new Promise(() => {});
    expect((await send()).status).toBe(status);
  });

  it('403 and no permission in the headers for origins the installation does not allow', async () => {
    await start(new Limiter(), { WEIR_ALLOWED_ORIGINS: 'https://a.example, https://b.example' });
    const from = (origin: string) => ask('POST', PATH, { events: [] }, { origin });
    const allowed = await from('https://b.example');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://b.example');
    const refused = await from('https://c.example');
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'origin_not_allowed' });
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    expect(refused.headers.get('vary')).toBe('Origin');
  });

  it('410 for a receipt past its week', async () => {
    const now = Date.now;
    let later = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + later);
    await start(new Limiter());
    const { receipt } = (await (await send()).json()) as { receipt: string };
    later = 8 * 24 * 3600 * 1000;
    const answer = await ask('GET', `/api/v1/ingest/receipts/${receipt}`);
    expect(answer.status).toBe(410);
    expect(await answer.json()).toMatchObject({ code: 'receipt_expired' });
  });
});

/** How a server ends, and what it does when it has no disk left. */
import { once } from 'node:events';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { type SmallDisk, smallDisk } from '@weir/base/testing';
import { type TestDatabase, testServer } from '@weir/postgres/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  allOnce,
  ClickHouseServer,
  type Environment,
  Load,
  reckon,
  WeirProcess,
  waitUntil,
} from './index.js';

let database: TestDatabase;
let clickhouse: ClickHouseServer;
let weir: WeirProcess;
beforeAll(async () => {
  [database, clickhouse] = await Promise.all([testServer(), ClickHouseServer.start()]);
});
afterEach(async () => {
  await clickhouse.network.restore();
  await weir?.dispose();
});
afterAll(async () => {
  await Promise.all([database?.close(), clickhouse?.close()]);
});

async function start(extra: Environment = {}, dataDir?: string): Promise<void> {
  weir = new WeirProcess(
    {
      WEIR_CLICKHOUSE_URL: clickhouse.url,
      WEIR_POSTGRES_URL: database.url,
      WEIR_INGEST_FLUSH_INTERVAL: '100ms',
      ...extra,
    },
    dataDir,
  );
  await weir.start();
  await waitUntil('ClickHouse', () => weir.answers('/readyz?for=query'));
}

const load = (seed: number): Load =>
  new Load({ url: weir.url, token: weir.token, batches: [20, 20, 1], seed, name: `shutdown${seed}` });

async function storedIds(): Promise<string[]> {
  const rows = await clickhouse.direct.query<{ event_id: string }>(
    `SELECT event_id FROM weir_base.events_raw_v1 WHERE project_id = '${weir.project}'`,
  );
  return rows.map(({ event_id }) => event_id);
}

/** A request whose body comes in two parts. */
async function beginRequest(): Promise<{ finish(): Promise<IncomingMessage>; abandon(): void }> {
  const body = JSON.stringify({ events: [{ event: 'late', timestamp: 1_700_000_000_001 }] });
  const sent = request(`${weir.url}/api/v1/ingest/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${weir.token}`, 'content-length': Buffer.byteLength(body) },
  });
  const answer = once(sent, 'response') as Promise<[IncomingMessage]>;
  answer.catch(() => {});
  await new Promise((resolve) => sent.write(body.slice(0, 10), resolve));
  // What another connection is answered shows that the server has the first half too.
  await waitUntil('an answer', () => weir.answers('/livez'));
  return {
    finish: async () => {
      sent.end(body.slice(10));
      return (await answer)[0];
    },
    abandon: () => sent.destroy(),
  };
}

describe('SIGTERM', () => {
  it('under load loses nothing, and ends with 0', async () => {
    weir = new WeirProcess();
    await weir.start();
    const sent = load(1);
    for (let i = 0; i < 2; i += 1) {
      await sent.progress(30);
      expect(await weir.stop()).toBe(0);
      await weir.start();
    }
    await sent.progress(10);
    await sent.stop();
    await weir.settled();
    expect(reckon(sent, await weir.storedIds())).toEqual(allOnce(sent));
  });

  it('does not wait for a ClickHouse that is away: what is left is stored after the next start', async () => {
    await start({ WEIR_INGEST_SHUTDOWN_GRACE: '300ms', WEIR_INGEST_RETRY_IN_PLACE: '1h' });
    const sent = load(2);
    await sent.progress(10);
    await clickhouse.network.refuse();
    await sent.progress(20);
    expect(await weir.stop()).toBe(0);
    await clickhouse.network.restore();
    await weir.start();
    await sent.stop();
    await weir.settled();
    expect(reckon(sent, await storedIds())).toEqual(allOnce(sent));
  });

  it('lets requests in flight finish, with 503 draining where they are too late', async () => {
    await start();
    const late = await beginRequest();
    weir.signal('SIGTERM');
    await waitUntil('the server not to listen', async () => !(await weir.answers('/livez')));
    const answer = await late.finish();
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    expect(JSON.parse(Buffer.concat(parts).toString())).toMatchObject({ code: 'draining', retry_after_s: 2 });
    expect(await weir.exited()).toBe(0);
  });

  it('a second time ends at once, and loses nothing either', async () => {
    await start();
    const sent = load(3);
    await sent.progress(20);
    const stuck = await beginRequest();
    weir.signal('SIGTERM');
    await waitUntil('the server not to listen', async () => !(await weir.answers('/livez')));
    weir.signal('SIGTERM');
    expect(await weir.exited()).toBe(1);
    stuck.abandon();
    await weir.start();
    await sent.stop();
    await weir.settled();
    expect(reckon(sent, await storedIds())).toEqual(allOnce(sent));
  });

  it('keeps what a log in memory would lose among the dead letters', async () => {
    await start({
      WEIR_LOG_ENGINE: 'memory',
      WEIR_INGEST_SHUTDOWN_GRACE: '300ms',
      WEIR_INGEST_RETRY_IN_PLACE: '1h',
    });
    const sent = load(4);
    await sent.progress(20);
    await clickhouse.network.refuse();
    await sent.progress(20);
    await sent.stop();
    expect(await weir.stop()).toBe(0);
    const rows = await database.query(
      'select project_id, reason, sum(event_count)::int as events from failed_events group by 1, 2',
    );
    expect(rows).toEqual([{ project_id: weir.project, reason: 'shutdown', events: expect.any(Number) }]);

    await clickhouse.network.restore();
    await weir.start();
    await weir.settled();
    expect(reckon(sent, await storedIds())).toEqual(allOnce(sent));
  });
});

it('a deleted data directory is noticed within 2 s: nothing more is acknowledged, and it is said', async () => {
  await start();
  expect(await weir.send({ events: [{ event: 'kept', timestamp: Date.now() }] })).toMatchObject({
    status: 202,
  });
  rmSync(weir.dataDir, { recursive: true });
  const deadline = performance.now() + 2_500;
  let lastAcknowledged = 0;
  await waitUntil('a refusal', async () => {
    const { status, body } = await weir.send({ events: [{ event: 'late', timestamp: Date.now() }] });
    if (status === 202) lastAcknowledged = performance.now();
    else expect({ status, code: body.code }).toEqual({ status: 503, code: 'ingest_down' });
    return status !== 202;
  });
  expect(lastAcknowledged).toBeLessThan(deadline);
  expect((await weir.request('GET', '/readyz')).status).toBe(503);
  expect((await weir.request('GET', '/healthz')).status).toBe(503);
  await waitUntil('the message', () =>
    weir.output.includes('the log cannot be written: requests that write to it fail'),
  );
});

describe('a full disk', () => {
  let disk: SmallDisk;
  beforeAll(async () => {
    disk = await smallDisk(128);
  });
  afterAll(async () => {
    await weir?.dispose();
    await disk?.remove();
  });

  it('503 log_full; with space again it goes on by itself, and nothing is lost', async () => {
    const dataDir = join(disk.path, 'weir');
    mkdirSync(dataDir);
    await start({}, dataDir);
    // All of it: the harness keeps the last 64 KB.
    let said = '';
    weir.onOutput = (text) => {
      said += text;
    };
    const sent = load(5);
    await sent.progress(20);
    const fillers = fill();
    await waitUntil('log_full', () => (sent.answers.get('503 log_full') ?? 0) > 10);
    // A failed write can leave a few bytes free, until another request takes them.
    await waitUntil('unreadiness', async () => (await weir.request('GET', '/readyz')).status === 503);
    await waitUntil('bad health', async () => {
      const { status, text } = await weir.request('GET', '/healthz');
      return status === 503 && text.includes('"status":"down"');
    });
    expect(await weir.answers('/livez')).toBe(true);
    const warnings = (text: string) => said.split(text).length - 1;
    await waitUntil('a warning', () => warnings('the disk of the log is full') > 0);
    for (const filler of fillers) rmSync(filler);
    await sent.progress(20);
    await waitUntil('readiness', () => weir.answers('/readyz'));
    await waitUntil('health', () => weir.answers('/healthz'));
    await waitUntil('the end of it', () => warnings('the log can be written again') > 0);
    expect(warnings('"log":"events","bytes"')).toBe(2);

    // Full again, and killed like that.
    const again = fill();
    const refused = sent.answers.get('503 log_full') ?? 0;
    await waitUntil('log_full', () => (sent.answers.get('503 log_full') ?? 0) > refused + 10);
    await weir.killAll();
    for (const filler of again) rmSync(filler);
    await weir.start();
    await sent.progress(20);
    await sent.stop();
    await weir.settled();
    expect(reckon(sent, await storedIds())).toEqual(allOnce(sent));
  });

  /** Takes every byte the disk has left. */
  function fill(): string[] {
    const fillers: string[] = [];
    for (;;) {
      const { bavail, bsize } = statfsSync(disk.path);
      if (bavail === 0) return fillers;
      const filler = join(disk.path, `filler-${fillers.length}`);
      fillers.push(filler);
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize));
      } catch {
        // The server took some of it meanwhile: what could be written counts.
      }
    }
  }
});

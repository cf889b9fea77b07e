import { openPostgres, type Postgres, type PostgresState, processes as rows } from '@weir/postgres';
import { storeForms, type TcpProxy, type TestDatabase, tcpProxy, testServer } from '@weir/postgres/testing';
import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { channelId } from '../channel/index.js';
import type { Who } from './process.js';
import type { Processes } from './processes.js';
import { ANN, assign, BOB, codeOf, EVE, Node, PROJECT, submit, take } from './testing/node.js';

const channels = [{ name: 'c' }];
const payload = Buffer.from('x');

/** Sends a message as a caller; returns the code of the error. */
async function say(processes: Processes, id: string, who: Who, sequence: number): Promise<string> {
  const saying = async () => {
    const caller = await processes.enter(PROJECT, id, who);
    await processes.router.append(channelId(id, 'c'), caller, { sequence, payload });
  };
  return await codeOf(saying());
}

describe.each(storeForms)(
  'the difference that a crash leaves between PostgreSQL and the router, over $name',
  (form) => {
    let node: Node;
    beforeAll(async () => {
      node = await Node.open(form);
    });
    afterAll(() => node.close());

    it('is repaired at the next use, for every kind of change', async () => {
      const { id } = await node.withoutRouter((processes) =>
        submit(processes, { channels, maxExecMs: 1_000 }),
      );
      expect(await say(node.processes, id, ANN, 1)).toBe('ok');

      const { assignment } = await node.withoutRouter(take);
      const bob = { credentialId: BOB, assignment };
      expect(await say(node.processes, id, bob, 1)).toBe('ok');

      await node.withoutRouter((processes) =>
        vi.waitFor(
          async () =>
            expect(await processes.get(PROJECT, id)).toMatchObject({ state: 'waiting', attempt: 2 }),
          { timeout: 5_000 },
        ),
      );
      expect(await say(node.processes, id, bob, 2)).toBe('stale_attempt');
      expect(await say(node.processes, id, ANN, 2)).toBe('ok');
      expect(await node.processes.router.getByProcessAndName(id, 'c')).toMatchObject({
        executorId: '',
        attempt: 2,
      });

      const eve = { credentialId: EVE, assignment: (await take(node.processes, EVE)).assignment };
      expect(await say(node.processes, id, eve, 1)).toBe('ok');
      await node.withoutRouter((processes) =>
        processes.closeProcess(PROJECT, id, eve, { status: 'success' }),
      );
      expect(await say(node.processes, id, ANN, 3)).toBe('channel_closed');
      const caller = await node.processes.enter(PROJECT, id, eve);
      const { entries, closed } = await node.processes.router.readAfter(channelId(id, 'c'), caller, 0);
      expect(entries.map(({ senderId }) => senderId)).toEqual([
        'submitter:ann',
        'executor#1:bob',
        'submitter:ann',
        'executor#2:eve',
      ]);
      expect(closed).toEqual({ reason: 'success', lastIndex: 4 });
    });

    it('is repaired for a returned process whose next executor has the same attempt', async () => {
      const { id } = await submit(node.processes, { channels });
      const bob = { credentialId: BOB, assignment: (await take(node.processes)).assignment };
      expect(await say(node.processes, id, bob, 1)).toBe('ok');
      const eve = await node.withoutRouter(async (processes) => {
        await node.store.postgres.db
          .update(rows)
          .set({ state: 'waiting', executorId: null, assignments: [], revision: sql`${rows.revision} + 1` })
          .where(eq(rows.id, id));
        return { credentialId: EVE, assignment: (await take(processes, EVE)).assignment };
      });
      expect(await say(node.processes, id, eve, 2)).toBe('ok');
      expect(await say(node.processes, id, bob, 3)).not.toBe('ok');
    });

    it('is repaired for a removal, which never shows an empty channel', async () => {
      const { id } = await submit(node.processes, { channels });
      await say(node.processes, id, ANN, 1);
      await node.processes.cancel(PROJECT, id, ANN);
      await node.processes.router.cleanupProcess(id);
      await node.restart();
      const read = async () =>
        node.processes.router.readAfter(channelId(id, 'c'), await node.processes.enter(PROJECT, id, ANN), 0);
      expect(await codeOf(read())).toBe('channel_gone');
    });

    it('is reported if the log is a new one', async () => {
      const { id } = await submit(node.processes, { channels });
      await node.restart({ isLogLost: true });
      expect(await say(node.processes, id, ANN, 1)).toBe('log_lost');
      expect(await node.processes.cancel(PROJECT, id, ANN)).toMatchObject({ state: 'cancelled' });
    });
  },
);

describe('while PostgreSQL disconnects and returns', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let postgres: Postgres;
  let node: Node;
  beforeEach(async () => {
    database = await testServer();
    proxy = await tcpProxy(database.url);
    const options = { url: proxy.url, dataDir: '/' };
    postgres = openPostgres(options);
    await postgres.ready;
    const close = () => postgres.close();
    node = await Node.open({ name: 'behind a proxy', open: async () => ({ postgres, options, close }) });
  });
  afterEach(async () => {
    await node.close();
    await proxy.close();
    await database.close();
  });
  const becomes = (state: PostgresState) =>
    vi.waitFor(() => expect(postgres.state).toBe(state), { timeout: 10_000, interval: 5 });

  it('channels of processes in use keep working, and changes resume later', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { channels });
    const bob = { credentialId: BOB, assignment: (await take(processes)).assignment };

    await proxy.cut();
    await becomes('down');
    expect(await say(processes, id, ANN, 1)).toBe('ok');
    expect(await say(processes, id, bob, 1)).toBe('ok');
    expect(await say(processes, id, { credentialId: EVE }, 1)).toBe('forbidden');
    expect(await codeOf(processes.heartbeat(PROJECT, id, bob))).toBe('store_unavailable');

    await proxy.restore();
    await becomes('ready');
    expect(await processes.closeProcess(PROJECT, id, bob, { status: 'success' })).toMatchObject({
      state: 'success',
    });
  });

  /** Loses the answer of the next commit, which succeeds. */
  const loseNextAnswer = () => {
    const { db } = postgres;
    const transaction = db.transaction.bind(db);
    vi.spyOn(db, 'transaction').mockImplementationOnce(async (work) => {
      await transaction(work);
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    });
  };

  it('an assignment whose answer was lost is returned, and does not count as an attempt', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { channels, maxRetries: 0 });
    loseNextAnswer();
    expect(await codeOf(assign(processes))).toBe('store_unavailable');
    expect((await take(processes, EVE, 10_000)).process).toMatchObject({ id, attempt: 1, executorId: EVE });
  });

  it('a change whose answer was lost is read again before channels are used', async () => {
    const { processes } = node;
    const { id } = await submit(processes, { channels });
    const bob = { credentialId: BOB, assignment: (await take(processes)).assignment };
    const close = () => processes.closeProcess(PROJECT, id, bob, { status: 'success' });
    expect(await say(processes, id, bob, 1)).toBe('ok');
    loseNextAnswer();
    expect(await codeOf(close())).toBe('store_unavailable');
    expect(await say(processes, id, bob, 2)).toBe('channel_closed');
    expect(await close()).toMatchObject({ state: 'success' });
  });
});

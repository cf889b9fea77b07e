import { channelId } from '@weir/channel';
import { openPostgres } from '@weir/postgres';
import { storeForms, tcpProxy, testServer } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Who } from './process.js';
import type { Processes } from './processes.js';
import { ANN, BOB, codeOf, EVE, Node, PROJECT, submit, take } from './testing/node.js';

const channels = [{ name: 'c' }];
const payload = Buffer.from('x');

/** Says something as somebody; the code of what goes wrong. */
async function say(processes: Processes, id: string, who: Who, sequence: number): Promise<string> {
  const saying = async () => {
    const caller = await processes.enter(PROJECT, id, who);
    await processes.router.append(channelId(id, 'c'), caller, { sequence, payload });
  };
  return await codeOf(saying());
}

describe.each(storeForms)('what a crash leaves between PostgreSQL and the router, over $name', (form) => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.open(form);
  });
  afterAll(() => node.close());

  it('is made good at the next use, whichever change it was', async () => {
    const { id } = await node.withoutRouter((processes) => submit(processes, { channels, maxExecMs: 1_000 }));
    expect(await say(node.processes, id, ANN, 1)).toBe('ok');

    const { assignment } = await node.withoutRouter(take);
    const bob = { credentialId: BOB, assignment };
    expect(await say(node.processes, id, bob, 1)).toBe('ok');

    await node.withoutRouter((processes) =>
      vi.waitFor(
        async () => expect(await processes.get(PROJECT, id)).toMatchObject({ state: 'waiting', attempt: 2 }),
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
    await node.withoutRouter((processes) => processes.closeProcess(PROJECT, id, eve, { status: 'success' }));
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

  it('of a removal is done again, never shown as an empty channel', async () => {
    const { id } = await submit(node.processes, { channels });
    await say(node.processes, id, ANN, 1);
    await node.processes.cancel(PROJECT, id, ANN);
    await node.processes.router.cleanupProcess(id);
    await node.restart();
    const read = async () =>
      node.processes.router.readAfter(channelId(id, 'c'), await node.processes.enter(PROJECT, id, ANN), 0);
    expect(await codeOf(read())).toBe('channel_gone');
  });

  it('is told when the log is a new one', async () => {
    const { id } = await submit(node.processes, { channels });
    await node.restart({ isLogLost: true });
    expect(await say(node.processes, id, ANN, 1)).toBe('log_lost');
    expect(await node.processes.cancel(PROJECT, id, ANN)).toMatchObject({ state: 'cancelled' });
  });
});

it('lets channels of processes in use go on while PostgreSQL is away, and changes after', async () => {
  const database = await testServer();
  const proxy = await tcpProxy(database.url);
  const options = { url: proxy.url, dataDir: '/' };
  const postgres = openPostgres(options);
  await postgres.ready;
  const close = async () => {
    await postgres.close();
    await proxy.close();
    await database.close();
  };
  const node = await Node.open({ name: 'behind a proxy', open: async () => ({ postgres, options, close }) });
  const { processes } = node;
  const { id } = await submit(processes, { channels });
  const bob = { credentialId: BOB, assignment: (await take(processes)).assignment };

  await proxy.cut();
  await vi.waitFor(() => expect(postgres.state).toBe('down'), { timeout: 10_000 });
  expect(await say(processes, id, ANN, 1)).toBe('ok');
  expect(await say(processes, id, bob, 1)).toBe('ok');
  expect(await say(processes, id, { credentialId: EVE }, 1)).toBe('forbidden');
  expect(await codeOf(processes.heartbeat(PROJECT, id, bob))).toBe('store_unavailable');

  await proxy.restore();
  await vi.waitFor(() => expect(postgres.state).toBe('ready'), { timeout: 10_000 });
  expect(await processes.closeProcess(PROJECT, id, bob, { status: 'success' })).toMatchObject({
    state: 'success',
  });
  await node.close();
});

import { silentLogger } from '@weir/base';
import { Router } from '@weir/channel';
import { Processes } from '@weir/channel/process';
import { documentIn, Feed, FeedGroups } from '@weir/feed';
import { type Log, openLog } from '@weir/log';
import { storeForms, type TestStore } from '@weir/postgres/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProcessSource } from './process-source.js';

const PROJECT = '00000000-0000-7000-8000-000000000001';
const [form] = storeForms;

let store: TestStore;
let feedLog: Log;
let feed: Feed;
let processes: Processes;
beforeEach(async () => {
  if (form === undefined) throw new Error('there is no form of the store');
  [store, feedLog] = await Promise.all([form.open(), openLog({ engine: 'memory' })]);
  feed = new Feed(feedLog);
  const router = await Router.withoutRateLimit();
  processes = new Processes({ postgres: store.postgres, router, retentionMs: 1_000, logger: silentLogger });
});
afterEach(async () => {
  await processes.close();
  await feedLog.close();
  await store.close();
});

/** All published changes, as `<name of the process> <change>`. */
async function published(): Promise<string[]> {
  const place = await feed.locate('processes', PROJECT, 'earliest');
  const over = new AbortController();
  const changes: string[] = [];
  for await (const page of feed.follow(place, { signal: over.signal, idleMs: 1 })) {
    if (page.length === 0) break;
    for (const { payload } of page) {
      const { name, change } = JSON.parse(documentIn(place.stream, payload).text) as Record<string, string>;
      changes.push(`${name} ${change}`);
    }
  }
  return changes;
}

async function live(name: string): Promise<void> {
  const { process } = await processes.submit(PROJECT, 'ann', { name });
  await processes.cancel(PROJECT, process.id, { credentialId: 'ann' });
}

it('publishes each change once, despite a crash between publishing and removing', async () => {
  await live('a');
  const { remove } = processes.outbox;
  const died = new Promise<void>((resolve) => {
    processes.outbox.remove = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  new ProcessSource(processes.outbox, feed, silentLogger).start();
  await died;
  processes.outbox.remove = remove;
  expect(await published()).toEqual(['a submitted', 'a cancelled']);

  await live('b');
  const source = new ProcessSource(processes.outbox, feed, silentLogger);
  source.start();
  await vi.waitFor(async () => expect(await published()).toHaveLength(4), { timeout: 5_000 });
  await live('c');
  await vi.waitFor(async () => expect(await published()).toHaveLength(6), { timeout: 5_000 });
  await source.close();
  expect(await published()).toEqual(['a', 'b', 'c'].flatMap((n) => [`${n} submitted`, `${n} cancelled`]));
  const { rows } = await store.postgres.db.execute('select count(*)::int as count from process_outbox');
  expect(rows).toEqual([{ count: 0 }]);
});

it('keeps changes of one process in order in a group, and filters them by change', async () => {
  const groups = new FeedGroups(feedLog);
  const wanted = { stream: 'processes', from: 'earliest', event: ['cancelled'] } as const;
  const { group } = await groups.make(PROJECT, 'g', wanted, () =>
    feed.locate('processes', PROJECT, 'earliest'),
  );
  const all = await groups.make(PROJECT, 'all', { stream: 'processes', from: 'earliest' }, () =>
    feed.locate('processes', PROJECT, 'earliest'),
  );
  const source = new ProcessSource(processes.outbox, feed, silentLogger);
  source.start();
  await live('a');
  await live('b');
  await vi.waitFor(async () => expect(await published()).toHaveLength(4), { timeout: 5_000 });
  await source.close();
  const signal = AbortSignal.timeout(5_000);
  const cancelled = await group.pull({ max: 10, waitMs: 0, member: 'm', signal });
  expect(cancelled).toHaveLength(2);
  // While one member holds a change of a process, other members do not get later ones.
  const first = await all.group.pull({ max: 1, waitMs: 0, member: 'one', signal });
  const second = await all.group.pull({ max: 10, waitMs: 0, member: 'two', signal });
  expect([first.length, second.length]).toEqual([1, 2]);
});

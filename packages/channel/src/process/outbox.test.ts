import { storeForms } from '@weir/postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutboxChange } from './outbox.js';
import { ANN, BOB, Node, PROJECT, submit, take } from './testing/node.js';

describe.each(storeForms)('the outbox over $name', (form) => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.open(form);
  });
  afterAll(() => node.close());

  it('has each change once, in order for each process, under concurrent changes and restarts', async () => {
    const { processes } = node;
    const { outbox } = processes;
    const published: OutboxChange[] = [];
    let position = 0;
    let isOver = false;
    /** Publishes, and skips the removal every other time. */
    const publish = async () => {
      for (let round = 0; ; round += 1) {
        const isLast = isOver;
        const page = await outbox.next(position);
        if (page === null) {
          if (isLast) return;
          await outbox.changed(20, new AbortController().signal);
          continue;
        }
        published.push(...page.changes);
        position = page.position;
        if (round % 2 === 0) await outbox.remove(position);
      }
    };
    const live = async (n: number) => {
      const { id } = await submit(processes, { executorType: `t${n % 3}` });
      if (n % 5 === 0) return void (await processes.cancel(PROJECT, id, ANN).catch(() => {}));
      const signal = new AbortController().signal;
      const o = { executorType: `t${n % 3}`, waitMs: 1_000, signal };
      const assigned = await processes.assign(PROJECT, BOB, o);
      if (assigned === null) return;
      const who = { credentialId: BOB, assignment: assigned.assignment };
      await processes.heartbeat(PROJECT, assigned.process.id, who).catch(() => {});
      await processes.closeProcess(PROJECT, assigned.process.id, who, { status: 'success' }).catch(() => {});
    };
    const publishing = publish();
    await Promise.all(Array.from({ length: 60 }, (_, n) => live(n)));
    isOver = true;
    await publishing;

    const events = published.map(({ document }) => (JSON.parse(document) as { event_id: string }).event_id);
    expect(new Set(events).size).toBe(events.length);
    const revisions = new Map<string, number>();
    for (const event of events) {
      const [id = '', revision] = event.split('.');
      expect(Number(revision)).toBe((revisions.get(id) ?? 0) + 1);
      revisions.set(id, Number(revision));
    }
    const { rows } = await node.store.postgres.db.execute<{ id: string; revision: number }>(
      'select id, revision from processes',
    );
    expect([...revisions].toSorted()).toEqual(rows.map(({ id, revision }) => [id, revision]).toSorted());
    expect(revisions.size).toBe(60);
  });

  it('describes the change without large bodies', async () => {
    const { processes } = node;
    const large = 'x'.repeat(5_000);
    const { id } = await submit(processes, { args: large, executorType: 'default' });
    const { assignment } = await take(processes);
    const who = { credentialId: BOB, assignment };
    await processes.closeProcess(PROJECT, id, who, { status: 'failed', output: { a: 1 }, error: 'no' });
    const page = await processes.outbox.next(1_000_000);
    expect(page?.changes.map(({ change }) => change)).toEqual(['submitted', 'assigned', 'closed']);
    const [submitted, , closed] = page?.changes.map(({ document }) => JSON.parse(document)) ?? [];
    expect(submitted).toMatchObject({ id, state: 'waiting', omitted: ['args'], output: null });
    expect(submitted).not.toHaveProperty('args');
    expect(closed).toMatchObject({ id, change: 'closed', state: 'failed', output: { a: 1 }, error: 'no' });
    // A later position, as after a restore of PostgreSQL from a backup: numbers continue above it.
    expect(page?.position).toBe(1_000_003);
  });
});

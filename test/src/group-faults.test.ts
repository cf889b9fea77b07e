/**
 * Stops and kills of members, buses and the server while a group works. `WEIR_TEST_SEEDS=1,2,3` runs other seeds, and
 * `WEIR_TEST_FAULTS` more faults in each.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { runGroup, STARVATION_MS } from './harness/group-run.js';
import { Consumer, killBuses, WeirProcess, waitUntil } from './index.js';

const seeds = (process.env.WEIR_TEST_SEEDS ?? '7').split(',').map(Number);
const faults = Number(process.env.WEIR_TEST_FAULTS ?? 6);

test.each(seeds)(
  'an event runs once unless its own member fails, and no member starves (seed %i)',
  async (seed) => {
    const run = await runGroup({ seed, events: 500, faults });
    console.log(run.summary);
    expect(run.duplicates).toEqual([]);
    expect(run.missing).toBe(0);
    expect(run.starvation).toBeLessThan(STARVATION_MS + run.calm);
  },
  240_000,
);

const consumers: Consumer[] = [];
afterEach(() => {
  for (const consumer of consumers.splice(0)) consumer.kill();
});

test('an event that kills its consumer each time dies alone, and members share the others', async () => {
  const weir = await new WeirProcess().start();
  try {
    const start = (...args: string[]) => {
      const consumer = new Consumer(weir, ['consume', 'weir.event', '--from', 'earliest', ...args]);
      consumers.push(consumer);
      return consumer;
    };
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const events = ids.map((event_id, n) => ({
      event: 'e',
      event_id,
      user_id: `u${n}`,
      timestamp: Date.now(),
    }));
    expect((await weir.send({ events })).status).toBe(202);
    const poison = ids[6] ?? '';
    const command = `if test "$WEIR_EVENT_ID" = ${poison}; then kill -9 $PPID; exit 1; fi; echo "$WEIR_EVENT_ID"`;
    const lines = () => consumers.flatMap((consumer) => consumer.lines.map(({ text }) => text));
    const dead = async () => {
      const path = `/api/v1/projects/${weir.project}/feed/groups/poisoned/dead`;
      const { text } = await weir.request('GET', path, { headers: { authorization: `Bearer ${weir.key}` } });
      return (JSON.parse(text) as { dead: { event: { event_id: string } }[] }).dead;
    };
    const isOver = async () => lines().length >= ids.length - 1 && (await dead()).length > 0;
    for (let life = 0, isDone = false; !isDone; life += 1) {
      expect(life).toBeLessThan(8);
      const consumer = await start('--group', 'poisoned', '--prefetch', '20', '--exec', command).ready();
      await waitUntil('its end', async () => consumer.hasEnded || (await isOver()), 30_000);
      isDone = await isOver();
    }
    expect(lines().toSorted()).toEqual(ids.filter((id) => id !== poison).toSorted());
    expect((await dead()).map(({ event }) => event.event_id)).toEqual([poison]);

    const pair = [
      start('--group', 'pair', '--exec', 'sleep 0.2; cat'),
      start('--group', 'pair', '--exec', 'sleep 0.2; cat'),
    ];
    await waitUntil('all of them', () => pair.every(({ lines: { length } }) => length > 5), 30_000);
  } finally {
    for (const consumer of consumers) consumer.kill();
    killBuses(weir.dataDir);
    await weir.dispose();
  }
}, 120_000);

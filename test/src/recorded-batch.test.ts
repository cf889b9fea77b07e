import { afterAll, expect, it } from 'vitest';
import { commandLine, processTree } from './harness/process-tree.js';
import { waitUntil } from './harness/wait-until.js';
import { WeirProcess } from './harness/weir-process.js';

const REQUESTS = 40;
const EVENTS = 1_000;

const weir = new WeirProcess({ WEIR_INGEST_FLUSH_INTERVAL: '100ms' });
afterAll(() => weir.dispose());

/** About 300 KB: forty of them are more than the log gives in one read unless asked for more. */
function batch(request: number): object {
  return {
    events: Array.from({ length: EVENTS }, (_, i) => ({
      event: 'e',
      event_id: `${request}-${i}`,
      timestamp: Date.now(),
      properties: { text: 'x'.repeat(200) },
    })),
  };
}

it('batches under way at a kill are made again whole, however large', async () => {
  await weir.start();
  const engine = processTree(weir.pid).find((pid) => commandLine(pid).includes('engine-process')) ?? 0;
  // A standing engine holds the inserts, so that all that follows is in two large batches.
  process.kill(engine, 'SIGSTOP');
  for (let request = 0; request < REQUESTS; request += 1) {
    expect((await weir.send(batch(request))).status).toBe(202);
  }
  await waitUntil('the second batch to be begun', async () => {
    const metrics = await (await fetch(`${weir.url}/metrics`)).text();
    return /^weir_ingest_pending_events 40000$/m.test(metrics);
  });
  await weir.killAll();
  await weir.start();
  await waitUntil('the flusher', async () => (await weir.health()).pending === 0);
  expect(await weir.query('SELECT count(), uniqExact(event_id) FROM events')).toEqual([['40000', '40000']]);

  // And known ids are still known: nothing of it is stored again.
  expect((await weir.send(batch(0))).body).toMatchObject({ accepted: 0, duplicates: EVENTS });
});

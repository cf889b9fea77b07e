import { join } from 'node:path';
import { Feed } from '@weir/feed';
import { openLog } from '@weir/log';
import type { WeirProcess } from './weir-process.js';

const PORTION = 5_000;
const SAMPLES = 200;

/**
 * Gives a server that runs a feed of so many more events, the fields of which differ. The server is stopped for it and started
 * again: the events are copied into its feed, as fast as the disk takes them.
 */
export async function growHistory(weir: WeirProcess, count: number): Promise<void> {
  const events = Array.from({ length: SAMPLES }, (_, i) => ({
    event: i % 2 === 0 ? 'viewed' : 'clicked',
    user_id: `u${i}`,
    timestamp: Date.now(),
    properties: { path: `/products/${i}`, referrer: 'https://example.com/', price: i / 7, tags: ['a', 'b'] },
  }));
  await weir.send({ events });
  await weir.settled();
  await weir.stop();
  const log = await openLog({ engine: 'lmdb', path: join(weir.dataDir, 'data', 'feed') });
  try {
    const feed = new Feed(log);
    const sample = await log.read(`feed:events:${weir.project}`, { after: 0, limit: SAMPLES });
    const items = Array.from({ length: PORTION }, (_, i) => ({
      projectId: weir.project,
      payload: sample[i % sample.length]?.data ?? new Uint8Array(),
    }));
    for (let at = 0; at < count; at += PORTION)
      await feed.publish('events', items.slice(0, count - at), 'copies', at + 1);
  } finally {
    await log.close();
  }
  await weir.start();
}

import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeLog } from './conformance/index.js';
import { openLog } from './index.js';

describeLog('lmdb', async () => {
  const path = await mkdtemp(join(tmpdir(), 'weir-log-'));
  return {
    create: (o) => openLog({ engine: 'lmdb', path, ...o }),
    reopen: async (log, o) => {
      await log.close();
      return await openLog({ engine: 'lmdb', path, ...o });
    },
    destroy: () => rm(path, { recursive: true }),
  };
});

it.each([
  ['deleted', (path: string) => rm(path, { recursive: true })],
  ['moved away', (path: string) => rename(path, `${path}-moved`)],
])('rejects writes within 2 s after its directory was %s, with the reason', async (_, take) => {
  const path = await mkdtemp(join(tmpdir(), 'weir-log-'));
  const log = await openLog({ engine: 'lmdb', path });
  try {
    await log.append('a', [Buffer.from('kept')]);
    expect(await log.size()).toMatchObject({ writable: true, failure: null });
    await take(path);
    const deadline = performance.now() + 2_000;
    await expect.poll(async () => (await log.size()).writable, { timeout: 2_500 }).toBe(false);
    expect(performance.now()).toBeLessThan(deadline);
    expect((await log.size()).failure).toMatch(/deleted or replaced/);
    await expect(log.append('a', [Buffer.from('lost')])).rejects.toMatchObject({ code: 'store_unavailable' });
  } finally {
    await log.close();
    await rm(`${path}-moved`, { recursive: true, force: true });
  }
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

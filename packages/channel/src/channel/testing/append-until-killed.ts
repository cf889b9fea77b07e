/**
 * A process in which both sides of a channel append until it is killed. It prints each acknowledged append as a line
 * `role sequence index timestamp`. Run as `node append-until-killed.js <log directory>`.
 */
import { writeSync } from 'node:fs';
import { openLog } from '@weir/log';
import { type Caller, Router } from '../index.js';
import { ANN, bob, text } from './people.js';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: append-until-killed <log directory>');

const router = new Router({ log: await openLog({ engine: 'lmdb', path }), rateLimit: false });
await router.createIfNotExists({
  processId: 'p',
  name: 'c',
  submitterId: 'ann',
  executorId: 'bob',
  limits: { entries: 1_000_000 },
});

async function send(role: 'submitter' | 'executor', caller: Caller): Promise<never> {
  let next = (await router.getSequence('p_c', role)) + 1;
  for (;;) {
    const messages = Array.from({ length: 8 }, () => text(next++, `${role} ${next - 1}`));
    await Promise.all(
      messages.map(async (message) => {
        const { index, timestamp } = await router.append('p_c', caller, message);
        writeSync(1, `${role} ${message.sequence} ${index} ${timestamp}\n`);
      }),
    );
  }
}

await Promise.all([send('submitter', ANN), send('executor', bob())]);

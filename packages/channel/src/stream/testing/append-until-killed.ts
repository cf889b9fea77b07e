/**
 * A process in which producers append to one stream until it is killed. It prints each acknowledged append as a line
 * `producer sequence`. Run as `node append-until-killed.js <log directory> <first sequence>…`, with one sequence for
 * each producer.
 */
import { writeSync } from 'node:fs';
import { openLog } from '@weir/log';
import { StreamStore } from '../index.js';
import { appendOf, TEXT } from './appends.js';

const [path, ...starts] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: append-until-killed <log directory> <sequence>…');

const store = await StreamStore.open({ log: await openLog({ engine: 'lmdb', path }) });
await store.create('p', 's', TEXT);
const source = await store.open('p', 's');

async function produce(id: string, start: number): Promise<never> {
  for (let seq = start; ; seq += 8) {
    const batches = Array.from({ length: 8 }, (_, i) => ({ id, epoch: 0, seq: seq + i }));
    await Promise.all(
      batches.map(async (producer) => {
        await source.append(appendOf(`${id} ${producer.seq}\n`, { producer }));
        writeSync(1, `${id} ${producer.seq}\n`);
      }),
    );
  }
}

await Promise.all(starts.map((start, i) => produce(`p${i}`, Number(start))));

/**
 * Appends until it is killed and prints each acknowledged append as a line `stream first last`. Run it as `node
 * append-under-load.js <log directory> <run>`. Each entry contains the run, the caller and a number.
 */
import { writeSync } from 'node:fs';
import { openLog } from '../index.js';

const [path, run] = process.argv.slice(2);
if (path === undefined || run === undefined)
  throw new Error('usage: append-under-load <log directory> <run>');

const log = await openLog({ engine: 'lmdb', path });
writeSync(1, 'ready\n');

async function caller(id: number): Promise<never> {
  for (let n = 0; ; n++) {
    const stream = `s${id % 3}`;
    const entries = Array.from({ length: 1 + (n % 3) }, (_, i) =>
      Buffer.from(`${run}/${id}/${n}/${i}`.padEnd(n % 50 === 0 ? 30_000 : 40)),
    );
    const { first, last } = await log.append(stream, entries);
    writeSync(1, `${stream} ${first} ${last} ${run}/${id}/${n}\n`);
    if (n % 20 === 19) {
      await log.cursor(stream, `caller ${id}`).commit(last);
      writeSync(1, `cursor ${stream} ${id} ${last}\n`);
    }
  }
}

await Promise.all(Array.from({ length: 16 }, (_, id) => caller(id)));

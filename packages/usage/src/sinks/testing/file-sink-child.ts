/**
 * A process that passes records to a file sink until it is killed. It prints the end number of each stored page as a
 * line. Run as `node file-sink-child.js <data directory> <first number>`.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { give, recordsOf } from '../../conformance/records.js';
import { FileSink } from '../file-sink.js';
import { quietLogger } from './quiet-logger.js';

const [dataDir, begin] = process.argv.slice(2);
if (dataDir === undefined || begin === undefined)
  throw new Error('usage: file-sink-child <data directory> <number>');
const path = join(dataDir, 'usage', 'usage.ndjson');
const limits = { maxBytes: 300 * 1024, keep: 1000 };
const sink = new FileSink({ path, makeDirectory: true, ...limits, logger: quietLogger });
for (let n = Number(begin); ; n += 5_000) {
  await give(sink, recordsOf(n, n + 5_000));
  writeSync(1, `${n + 5_000}\n`);
}

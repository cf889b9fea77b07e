/** `npm run bench -- NAME`: runs a benchmark and prints its table. */
import { benchAdmission } from './admission.js';
import { benchBus } from './bus.js';
import { benchChannel } from './channel.js';
import { benchFeed } from './feed.js';
import { benchIngest } from './ingest.js';
import { benchQuery } from './query.js';
import { benchUsage } from './usage.js';
import { benchViews } from './views.js';

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  admission: benchAdmission,
  bus: benchBus,
  channel: benchChannel,
  feed: benchFeed,
  ingest: benchIngest,
  query: benchQuery,
  usage: benchUsage,
  views: benchViews,
};

const name = process.argv[2] ?? '';
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')}\n`);
  process.exit(2);
}
await benchmark();

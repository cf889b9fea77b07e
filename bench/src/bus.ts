/**
 * The bus: how many deliveries a second it makes to one consumer and to ten, and how late they are, beside NATS core and
 * Redis Streams where they are installed; then the whole way, from the acknowledgement of an event to a line of
 * `weir event consume`. Consumers of a system share one process; the producer has another. WEIR_BENCH_SECONDS sets
 * the length of each part (default 15).
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer, killBuses, WeirProcess, waitUntil } from '@weir/testing';
import { nats, redis, weirBus } from './bus/systems.js';

const SECONDS = Number(process.env.WEIR_BENCH_SECONDS ?? 15);
const CASES = [
  { consumers: 1, perSecond: 10_000 },
  { consumers: 1, perSecond: 50_000 },
  { consumers: 10, perSecond: 10_000 },
];
const PAUSE_MS = 10;

/** Runs the benchmark and prints its tables. */
export async function benchBus(): Promise<void> {
  print('# The bus\n');
  print(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, ${SECONDS} s a part\n`);
  print(
    '| system | consumers | made/s | delivered/s | of what was due | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|',
  );
  for (const { consumers, perSecond } of CASES) {
    for (const system of [weirBus, nats, redis]) {
      if (!(await system.isThere())) continue;
      const tally = await system.run(consumers, { perSecond, seconds: SECONDS });
      const delivered = tally.count / SECONDS;
      const share = (100 * delivered) / (perSecond * consumers);
      print(
        `| ${system.name} | ${consumers} | ${perSecond} | ${delivered.toFixed(0)} | ${share.toFixed(1)} % | ${tally.quantile(0.5).toFixed(1)} | ${tally.quantile(0.99).toFixed(1)} |`,
      );
    }
  }
  print('\n| the whole way | events | p50 ms | p99 ms |\n|---|---|---|---|');
  for (const group of [undefined, 'bench']) {
    const { count, p50, p99 } = await wholeWay(group);
    const name = group === undefined ? '202 → line' : '202 → line, in a group';
    print(`| ${name} | ${count} | ${p50.toFixed(1)} | ${p99.toFixed(1)} |`);
  }
}

async function wholeWay(group: string | undefined): Promise<{ count: number; p50: number; p99: number }> {
  const weir = await new WeirProcess().start();
  const consumer = new Consumer(weir, [
    'consume',
    'weir.event',
    '--jq',
    '.event_id',
    ...(group === undefined ? [] : ['--group', group]),
  ]);
  try {
    await consumer.ready();
    const waits: number[] = [];
    const ends = Date.now() + SECONDS * 1_000;
    for (let i = 0; Date.now() < ends; i += 1) {
      await weir.send({ events: [{ event: 'e', event_id: `l${i}`, timestamp: Date.now() }] });
      const acknowledged = Date.now();
      await waitUntil('the line', () => consumer.lines.length > i);
      // The line may be there before the answer is read here.
      waits.push(Math.max(0, (consumer.lines[i]?.at ?? 0) - acknowledged));
      await sleep(PAUSE_MS);
    }
    waits.sort((a, b) => a - b);
    const at = (share: number) => waits[Math.floor(share * waits.length)] ?? Number.NaN;
    return { count: waits.length, p50: at(0.5), p99: at(0.99) };
  } finally {
    consumer.kill();
    killBuses(weir.dataDir);
    await weir.dispose();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Channels: appends over one socket, 64 on their way and one by one, beside Redis Streams with fsync and NATS JetStream,
 * each a server of its own; whether a long channel is slower; how late a message is for its reader; how fast history is
 * read; what idle readers cost. Writers and readers run in one process, the server in another. WEIR_BENCH_SECONDS sets the length
 * of each part (default 10), WEIR_BENCH_ENTRIES that of the long channel (default 1,000,000).
 */
import { cpus } from 'node:os';
import { jetStream, redisStreams } from './channel/others.js';
import { OurChannels } from './channel/ours.js';
import type { Appends } from './channel/window.js';

const SECONDS = Number(process.env.WEIR_BENCH_SECONDS ?? 10);
const ENTRIES = Number(process.env.WEIR_BENCH_ENTRIES ?? 1_000_000);
const PORTION = Math.min(100_000, ENTRIES);
const PAYLOAD = Buffer.alloc(100, 'x');
const PER_SECOND = 2_000;
const READERS = 10_000;

/** Runs the benchmark and prints its tables. */
export async function benchChannel(): Promise<void> {
  print('# Channels\n');
  print(
    `${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, ${SECONDS} s a part, 100 bytes each\n`,
  );
  print('| appends | in flight | a second | p50 ms | p99 ms |\n|---|---|---|---|---|');
  for (const window of [64, 1]) {
    const how = { window, seconds: SECONDS };
    await withOurs(async (ours) => row('Weir', window, await ours.append(PAYLOAD, how)));
    for (const other of [redisStreams, jetStream]) {
      const appends = await other.append(PAYLOAD, how);
      if (appends !== null) row(other.name, window, appends);
    }
  }
  await withOurs(async (ours) => {
    const { p50, p99, count } = await ours.latency(PAYLOAD, PER_SECOND, SECONDS);
    print(
      `\nFrom send to its reader, ${PER_SECOND} a second, ${count} messages: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms.\n`,
    );
  });
  await withOurs(async (ours) => {
    const { appends, replay } = await ours.fill(PAYLOAD, ENTRIES, PORTION);
    print(
      `One channel of ${ENTRIES} entries, appends a second in each ${PORTION}: ${appends.map((one) => one.toFixed(0)).join(', ')}.`,
    );
    print(`Read from the first to the last: ${replay.toFixed(0)} a second.\n`);
  });
  await withOurs(async (ours) => {
    const grown = await ours.idle(READERS, 1_000);
    print(
      `${READERS} idle readers over ${READERS / 1_000} sockets: ${(grown / 2 ** 20).toFixed(0)} MiB more.`,
    );
  });
}

async function withOurs(use: (ours: OurChannels) => Promise<void>): Promise<void> {
  const ours = await OurChannels.start();
  try {
    await use(ours);
  } finally {
    await ours.close();
  }
}

function row(name: string, window: number, { perSecond, p50, p99 }: Appends): void {
  print(`| ${name} | ${window} | ${perSecond.toFixed(0)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} |`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

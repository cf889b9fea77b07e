/**
 * The feed: the time from the acknowledgement of an event to its followers, and the events delivered per second to one
 * and to ten followers, compared with a bare node:http server that streams the same bytes to as many. Followers run in this
 * process and only count; WEIR_BENCH_SECONDS sets the length of each part (default 15).
 */
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { WeirProcess } from '@weir/testing';
import { generate } from './load/generate.js';

const SECONDS = Number(process.env.WEIR_BENCH_SECONDS ?? 15);
const PAUSE_MS = 10;

/** Runs the benchmark and prints its tables. */
export async function benchFeed(): Promise<void> {
  print('# The feed\n');
  print(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, ${SECONDS} s a part\n`);
  const weir = await new WeirProcess().start();
  try {
    const { p50, p99, count } = await latency(weir);
    print(
      `From the 202 to the follower, ${count} events one after the other: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms.\n`,
    );
    print(
      '| followers | accepted events/s | deliveries/s | bare node:http, the same bytes |\n|---|---|---|---|',
    );
    for (const followers of [1, 10]) {
      const [{ accepted, delivered, bytesEach }] = [await throughput(weir, followers)];
      const bare = await baseline(followers, bytesEach);
      print(
        `| ${followers} | ${accepted.toFixed(0)} | ${delivered.toFixed(0)} | ${((100 * delivered) / bare).toFixed(0)} % of ${bare.toFixed(0)} |`,
      );
    }
  } finally {
    await weir.dispose();
  }
}

function pathOf(weir: WeirProcess): string {
  return `${weir.url}/api/v1/projects/${weir.project}/feed`;
}

/** One event at a time: its own way alone. */
async function latency(weir: WeirProcess): Promise<{ p50: number; p99: number; count: number }> {
  const arrivals = new Map<string, number>();
  const stop = await follow(pathOf(weir), weir.key, (text) => {
    for (const [, id] of text.matchAll(/"event_id":"(l\d+)"/g))
      if (id !== undefined) arrivals.set(id, performance.now());
  });
  const took: number[] = [];
  const ends = performance.now() + SECONDS * 1000;
  for (let i = 0; performance.now() < ends; i += 1) {
    const id = `l${i}`;
    await weir.send({ events: [{ event: 'e', event_id: id, timestamp: Date.now() }] });
    const acknowledged = performance.now();
    while (!arrivals.has(id)) await sleep(1);
    // It may arrive before the answer is read here.
    took.push(Math.max(0, (arrivals.get(id) ?? 0) - acknowledged));
    await sleep(PAUSE_MS);
  }
  stop();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(share * took.length)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), count: took.length };
}

async function throughput(
  weir: WeirProcess,
  followers: number,
): Promise<{ accepted: number; delivered: number; bytesEach: number }> {
  let delivered = 0;
  let bytes = 0;
  const stops: (() => void)[] = [];
  for (let i = 0; i < followers; i += 1) {
    stops.push(
      await follow(pathOf(weir), weir.key, (text) => {
        bytes += text.length;
        for (let at = text.indexOf('\ndata:'); at !== -1; at = text.indexOf('\ndata:', at + 1))
          delivered += 1;
      }),
    );
  }
  const plan = { host: '127.0.0.1', port: weir.port, path: '/api/v1/ingest/events', token: weir.token };
  const load = await generate({ ...plan, events: 100, connections: 8, seconds: SECONDS });
  const during = delivered / load.seconds;
  for (const stop of stops) stop();
  return { accepted: load.eventsPerSecond, delivered: during, bytesEach: bytes / Math.max(delivered, 1) };
}

/** Deliveries a second of so many bytes each, by a server that only writes. */
async function baseline(followers: number, bytesEach: number): Promise<number> {
  const item = 'x'.repeat(Math.max(1, Math.round(bytesEach) - 7));
  const page = `\ndata: ${item}`.repeat(100);
  const server = createServer((_request, response) => {
    const write = (): void => {
      while (response.write(page));
      response.once('drain', write);
    };
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The cast holds: a TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  let delivered = 0;
  const stops: (() => void)[] = [];
  for (let i = 0; i < followers; i += 1) {
    stops.push(
      await follow(`http://127.0.0.1:${port}/`, '', (text) => {
        delivered += text.length / (item.length + 7);
      }),
    );
  }
  const seconds = Math.min(SECONDS, 5);
  await sleep(seconds * 1000);
  for (const stop of stops) stop();
  server.closeAllConnections();
  server.close();
  return delivered / seconds;
}

async function follow(url: string, key: string, take: (text: string) => void): Promise<() => void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false, headers: { authorization: `Bearer ${key}` } }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`the feed answered ${response.statusCode}`);
  response.setEncoding('utf8');
  response.on('data', take);
  response.on('error', () => {});
  return () => void response.destroy();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * What usage records cost ingest: the same load with records switched off, and with the sinks a server has by default.
 * The servers take turns, so that what else the machine does falls on all of them; figures are medians of the rounds.
 * WEIR_BENCH_SECONDS sets the length of each turn (default 15), WEIR_BENCH_ROUNDS their number (default 5).
 */
import { cpus } from 'node:os';
import { type Environment, processorSeconds, WeirProcess, waitUntil } from '@weir/testing';
import { generate } from './load/generate.js';

const SECONDS = Number(process.env.WEIR_BENCH_SECONDS ?? 15);
const ROUNDS = Number(process.env.WEIR_BENCH_ROUNDS ?? 5);
const LOADS = [
  { name: 'batches of 100', events: 100, connections: 32 },
  { name: 'single events', events: 1, connections: 64 },
] as const;
const SERVERS: readonly { readonly name: string; readonly settings: Environment }[] = [
  { name: 'no records', settings: { WEIR_USAGE_ENABLED: 'false' } },
  { name: 'records, sink rollup', settings: { WEIR_USAGE_SINKS: 'rollup' } },
  { name: 'records, sinks log and rollup', settings: {} },
];

interface Turn {
  readonly requestsPerSecond: number;
  /** Of the server's own process, microseconds a request, until its sinks have kept all records. */
  readonly processor: number;
  readonly p99: number;
}

/** Runs the benchmark and prints the table. */
export async function benchUsage(): Promise<void> {
  print('# Usage: what records cost ingest\n');
  print(
    `${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, ${ROUNDS} rounds of ${SECONDS} s\n`,
  );
  print(
    '| load | server | requests/s | of no records | p99 ms | µs a request | more |\n|---|---|---|---|---|---|---|',
  );
  for (const load of LOADS) {
    const turns = await roundsOf(load.events, load.connections);
    const [first] = turns;
    if (first === undefined) throw new Error('there are servers');
    turns.forEach((rounds, i) => {
      const speed = median(
        rounds.map((turn, round) => turn.requestsPerSecond / (first[round]?.requestsPerSecond ?? 0)),
      );
      const more = median(rounds.map((turn, round) => turn.processor / (first[round]?.processor ?? 0))) - 1;
      print(
        `| ${load.name} | ${SERVERS[i]?.name} | ${median(rounds.map((t) => t.requestsPerSecond)).toFixed(0)} | ` +
          `${(speed * 100).toFixed(1)} % | ${median(rounds.map((t) => t.p99)).toFixed(1)} | ` +
          `${median(rounds.map((t) => t.processor)).toFixed(1)} | ${(more * 100).toFixed(1)} % |`,
      );
    });
  }
}

/** Turns of each server, by round. */
async function roundsOf(events: number, connections: number): Promise<Turn[][]> {
  const turns: Turn[][] = SERVERS.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, { settings }] of SERVERS.entries()) {
      turns[i]?.push(await turn(settings, events, connections));
    }
  }
  return turns;
}

async function turn(settings: Environment, events: number, connections: number): Promise<Turn> {
  // Each from the same beginning: a log that has been used is another one.
  const weir = await new WeirProcess({ WEIR_LOG_LEVEL: 'info', ...settings }).start();
  try {
    const plan = { host: '127.0.0.1', port: weir.port, path: '/api/v1/ingest/events', token: weir.token };
    await generate({ ...plan, events, connections, seconds: 2 });
    const before = processorSeconds(weir.pid);
    const load = await generate({ ...plan, events, connections, seconds: SECONDS });
    await waitUntil(
      'the flusher and the sinks',
      async () => {
        const { pending, usage_sinks: sinks } = await weir.health();
        // The health check itself is recorded.
        return pending === 0 && (sinks as { lag: number }[]).every(({ lag }) => lag < 100);
      },
      120_000,
    );
    const processor = ((processorSeconds(weir.pid) - before) * 1e6) / (load.statuses['202'] ?? Number.NaN);
    return { requestsPerSecond: load.requestsPerSecond, processor, p99: load.p99 };
  } finally {
    await weir.dispose();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

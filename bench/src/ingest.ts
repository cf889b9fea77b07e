/**
 * Ingest: durable acknowledgements a second with the flusher keeping up, beside a bare node:http server that only
 * reads and parses the same bodies. WEIR_BENCH_SECONDS sets the length of each run (default 60).
 */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { processorSeconds, processTree, residentBytes, WeirProcess, waitUntil } from '@weir/testing';
import { generate } from './load/generate.js';
import type { LoadResult } from './load/generator.js';

const SECONDS = Number(process.env.WEIR_BENCH_SECONDS ?? 60);
const BASELINE_SECONDS = Math.min(SECONDS, 10);
const CASES = [
  { name: 'batches of 100', events: 100, connections: 32 },
  { name: 'single events', events: 1, connections: 64 },
] as const;

interface Row {
  readonly name: string;
  readonly load: LoadResult;
  readonly baseline: LoadResult;
  /** Greatest resident memory of all the server's processes, in bytes. */
  readonly memory: number;
  /** Processor time an event of each of the server's processes, in microseconds. */
  readonly processor: readonly string[];
  /** Time after the load until the last event was in ClickHouse, in seconds. */
  readonly lag: number;
  readonly counted: boolean;
}

/** Runs all cases and prints the table. */
export async function benchIngest(): Promise<void> {
  const rows: Row[] = [];
  for (const one of CASES) rows.push(await runCase(one.name, one.events, one.connections));
  print(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${SECONDS} s a case`,
  );
  print('');
  print(
    '| case | events/s | requests/s | p50 ms | p99 ms | 503s | of bare node:http | memory | stored after | µs an event |',
  );
  print('|---|---|---|---|---|---|---|---|---|---|');
  for (const { name, load, baseline, memory, processor, lag, counted } of rows) {
    const ratio = load.eventsPerSecond / baseline.eventsPerSecond;
    print(
      `| ${name} | ${load.eventsPerSecond} | ${load.requestsPerSecond} | ${load.p50} | ${load.p99} | ${load.statuses['503'] ?? 0} | ` +
        `${(ratio * 100).toFixed(0)} % of ${baseline.eventsPerSecond} | ${(memory / 2 ** 20).toFixed(0)} MiB | ` +
        `${lag.toFixed(1)} s${counted ? '' : ', COUNT WRONG'} | ${processor.join(', ')} |`,
    );
  }
}

async function runCase(name: string, events: number, connections: number): Promise<Row> {
  const baseline = await runBaseline(events, connections);
  const weir = await new WeirProcess().start();
  try {
    const tree = processTree(weir.pid);
    const before = tree.map(processorSeconds);
    let memory = 0;
    const sampler = setInterval(() => {
      memory = Math.max(
        memory,
        processTree(weir.pid).reduce((sum, pid) => sum + residentBytes(pid), 0),
      );
    }, 250);
    const load = await generate({
      host: '127.0.0.1',
      port: weir.port,
      path: '/api/v1/ingest/events',
      token: weir.token,
      events,
      connections,
      seconds: SECONDS,
    });
    const ended = performance.now();
    await waitUntil('the flusher', async () => (await weir.health()).pending === 0, 120_000);
    const lag = (performance.now() - ended) / 1000;
    clearInterval(sampler);
    const stored = Number((await weir.query('SELECT count() FROM events'))[0]?.[0]);
    const sent = (load.statuses['202'] ?? 0) * events;
    const processor = tree.map((pid, i) => {
      const microseconds = ((processorSeconds(pid) - (before[i] ?? 0)) * 1e6) / Math.max(sent, 1);
      return `${i === 0 ? 'server' : 'child'} ${microseconds.toFixed(1)}`;
    });
    await weir.stop();
    return { name, load, baseline, memory, processor, lag, counted: stored === sent };
  } finally {
    await weir.dispose();
  }
}

async function runBaseline(events: number, connections: number): Promise<LoadResult> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./baseline-server.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    const port = await new Promise<number>((resolve) => {
      child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString('utf8'))));
    });
    return await generate({
      host: '127.0.0.1',
      port,
      path: '/',
      token: 'none',
      events,
      connections,
      seconds: BASELINE_SECONDS,
    });
  } finally {
    child.kill();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

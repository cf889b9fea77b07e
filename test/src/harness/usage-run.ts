/**
 * Usage under kills: clients of every surface note which of their requests were answered whole, the server is killed and
 * started again, and every sink is asked what it has.
 */

import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import { connectClickHouse, startEngine, USAGE_TABLE } from '@weir/clickhouse';
import { MixedLoad } from './mixed-load.js';
import { randomNumbers } from './random.js';
import { type UsageLine, usageFile } from './usage-file.js';
import { UsageReceiver } from './usage-receiver.js';
import { waitUntil } from './wait-until.js';
import { WeirProcess } from './weir-process.js';

/** What is compared of a record. */
type Counted = Pick<UsageLine, 'id' | 'rid' | 'src'>;

/** What was found in one sink. */
interface SinkReckoning {
  /** Requests answered whole without a record. */
  readonly missing: number;
  /** Records beyond the first of a request. */
  readonly twice: number;
}

/** Outcome of {@link runUsageKills}. */
export interface UsageRun {
  /** What was done and found, in a line. */
  readonly summary: string;
  /** Requests answered whole. */
  readonly whole: number;
  readonly sinks: Readonly<Record<string, SinkReckoning>>;
  /** The project's requests as totals say, and its records of requests in the file. */
  readonly totals: number;
  readonly records: number;
}

/** Kills a server under load so many times, stops it, and reckons up. */
export async function runUsageKills(options: {
  readonly kills: number;
  readonly seed: number;
}): Promise<UsageRun> {
  const random = randomNumbers(options.seed);
  const receiver = new UsageReceiver(randomNumbers(options.seed + 1));
  await receiver.listen();
  const weir = new WeirProcess({
    WEIR_USAGE_SINKS: 'log,file,rollup,clickhouse,http',
    WEIR_USAGE_HTTP_URL: receiver.url,
    WEIR_USAGE_HTTP_TIMEOUT: '1s',
    WEIR_USAGE_FILE_MAX_BYTES: '256KiB',
    WEIR_USAGE_FILE_KEEP: '1000',
    WEIR_LOG_LEVEL: 'debug',
    WEIR_INGEST_FLUSH_INTERVAL: '200ms',
  });
  const output: string[] = [];
  weir.onOutput = (text) => output.push(text);
  try {
    await weir.start();
    const load = new MixedLoad(weir, random);
    for (let kill = 0; kill < options.kills; kill += 1) {
      await load.progress(20 + Math.floor(random() * 80));
      await (random() < 0.5 ? weir.killAll() : weir.kill());
      await weir.start();
    }
    await load.progress(50);
    await load.stop();
    receiver.recover();
    const totals = await settledTotals(weir, receiver, load.whole);
    await weir.stop();
    const file = usageFile(weir);
    const sinks = {
      file: reckon(load.whole, file),
      clickhouse: reckon(load.whole, await stored(weir)),
      http: reckon(load.whole, receiver.records),
      // What a kill kept from being noted is written again: told apart by its id.
      log: reckon(load.whole, byId(loggedBy(output.join('')))),
    };
    const records = requestsOf(weir, file);
    const { size: whole } = load.whole;
    const found = Object.entries(sinks).map(([name, { missing, twice }]) => `${name} ${missing}/${twice}`);
    return {
      summary: `seed ${options.seed}; ${options.kills} kills; ${load.sent} requests, ${whole} answered whole; missing/twice: ${found.join(', ')}; totals ${totals} of ${records}`,
      whole,
      sinks,
      totals,
      records,
    };
  } finally {
    receiver.close();
    await weir.dispose();
  }
}

function reckon(whole: ReadonlySet<string>, records: readonly Counted[]): SinkReckoning {
  const requests = records.filter(({ src }) => src !== 'compute').map(({ rid }) => rid);
  const unique = new Set(requests);
  const missing = [...whole].filter((rid) => !unique.has(rid)).length;
  return { missing, twice: requests.length - unique.size };
}

/** Requests of the project; what is asked from here is the operator's. */
function requestsOf(weir: WeirProcess, records: readonly UsageLine[]): number {
  return records.filter(({ tenant, src }) => tenant === weir.project && src !== 'compute').length;
}

/** The project's total, once the sinks that can be read meanwhile have everything; after a minute as it stands. */
async function settledTotals(
  weir: WeirProcess,
  receiver: UsageReceiver,
  whole: ReadonlySet<string>,
): Promise<number> {
  let totals = 0;
  const isSettled = async (): Promise<boolean> => {
    const { status, body } = await weir.operator('GET', `/tenants/${weir.project}/usage`);
    if (status !== 200) return false;
    totals = (body as { usage: { requests: number }[] }).usage[0]?.requests ?? 0;
    const file = usageFile(weir);
    // Totals and file may stand at the same place and have the rest before them.
    const isWhole = [file, receiver.records].every((records) => reckon(whole, records).missing === 0);
    return isWhole && totals === requestsOf(weir, file);
  };
  // A file may be renamed under the reader's hands.
  const isSettledNow = (): Promise<boolean> => isSettled().catch(() => false);
  await waitUntil('the sinks', isSettledNow, 60_000).catch(() => {});
  return totals;
}

/** What the `clickhouse` sink has kept, read by an engine of its own once the server has ended. */
async function stored(weir: WeirProcess): Promise<Counted[]> {
  const engine = await startEngine({ dataDir: join(weir.dataDir, 'data'), logger: silentLogger });
  const clickhouse = connectClickHouse(engine.target);
  try {
    return await clickhouse.query<Counted>(`SELECT id, rid, src FROM ${USAGE_TABLE} FINAL`);
  } finally {
    await clickhouse.close();
    await engine.close();
  }
}

function loggedBy(output: string): Counted[] {
  return output
    .split('\n')
    .filter((line) => line.includes('"msg":"usage"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Counted);
}

function byId(records: readonly Counted[]): Counted[] {
  return [...new Map(records.map((record) => [record.id, record])).values()];
}

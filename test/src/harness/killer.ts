/**
 * kill -9 under load: of the server with all its children, of the server alone, of the engine alone; at any moment, or
 * aimed into the middle of an insert, which shows on the disk as a part that is still being written.
 */
import { existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Load } from './load.js';
import { isRunning } from './process-tree.js';
import { randomNumbers } from './random.js';
import { waitUntil } from './wait-until.js';
import { killQuietly, type WeirProcess } from './weir-process.js';

/** What dies. */
export type Victim = 'all' | 'server' | 'engine';

const VICTIMS: readonly Victim[] = ['all', 'server', 'engine'];
/** ClickHouse writes a part under such a name and renames it when it is whole. */
const UNFINISHED_PART = /^tmp_insert_/;
/** A kill comes after so many further acknowledged requests, at most. */
const MOST_REQUESTS_BETWEEN = 60;
/** Share of kills that are aimed into an insert. */
const AIMED = 2 / 3;
/** An engine whose server is gone ends itself: so long at most the look at what it left is put off. */
const END_MS = 500;

/** What was done. */
export interface KillCounts {
  readonly byVictim: Readonly<Record<Victim, number>>;
  /** Of them, those that left a part half written. */
  readonly midInsert: number;
}

/**
 * Kills `kills` times, each victim equally often in an order of chance, and brings back what does not come by itself.
 * @param load goes on all the time, and is acknowledged something between any two kills
 */
export async function killRepeatedly(
  weir: WeirProcess,
  load: Load,
  { kills, seed }: { readonly kills: number; readonly seed: number },
): Promise<KillCounts> {
  const random = randomNumbers(seed);
  const byVictim = { all: 0, server: 0, engine: 0 };
  let midInsert = 0;
  for (const victim of shuffled(kills, random)) {
    await load.progress(1 + Math.floor(random() * MOST_REQUESTS_BETWEEN));
    await waitUntil('the engine to run', () => weir.answers('/readyz?for=query'));
    const isAimed = random() < AIMED;
    const engine = weir.enginePid;
    if (engine === undefined) throw new Error('the engine answers and does not run');
    const victims = { all: weir.tree, server: [weir.pid], engine: [engine] }[victim];
    if (isAimed) await duringInsert(tablesOf(weir), () => kill(victims, engine));
    else kill(victims, engine);
    byVictim[victim] += 1;
    if (unfinishedParts(weir) > 0) midInsert += 1;
    if (victim !== 'engine') {
      await weir.exited();
      await weir.start();
    }
  }
  return { byVictim, midInsert };
}

/** As a test prints it. */
export function describeKills({ byVictim, midInsert }: KillCounts): string {
  const kills = VICTIMS.reduce((sum, victim) => sum + byVictim[victim], 0);
  const parts = VICTIMS.map((victim) => `${byVictim[victim]} ${victim}`);
  return `${kills} kills: ${parts.join(', ')}; ${midInsert} in mid-insert`;
}

function shuffled(kills: number, random: () => number): Victim[] {
  const drawn = Array.from({ length: kills }, (_, i) => VICTIMS[i % VICTIMS.length] ?? 'all');
  for (let i = drawn.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [drawn[i], drawn[j]] = [drawn[j] ?? 'all', drawn[i] ?? 'all'];
  }
  return drawn;
}

/** Kills at once, then stands still until the engine has ended too: what it leaves is looked at before it returns. */
function kill(victims: readonly number[], engine: number): void {
  for (const pid of victims) killQuietly(pid);
  for (const end = Date.now() + END_MS; isRunning(engine) && Date.now() < end; );
}

/** Calls `strike` at the very moment a part begins to be written. */
async function duringInsert(tables: readonly string[], strike: () => void): Promise<void> {
  await new Promise<void>((resolve) => {
    const watchers = tables.map((table) =>
      watch(table, (_, name) => {
        if (name === null || !UNFINISHED_PART.test(name) || watchers.length === 0) return;
        for (const watcher of watchers.splice(0)) watcher.close();
        strike();
        resolve();
      }),
    );
  });
}

function unfinishedParts(weir: WeirProcess): number {
  return tablesOf(weir).reduce(
    (sum, table) => sum + readdirSync(table).filter((name) => UNFINISHED_PART.test(name)).length,
    0,
  );
}

/** The directories of the engine's tables: two levels down, which stay as they are while parts come and go. */
function tablesOf(weir: WeirProcess): string[] {
  const store = join(weir.dataDir, 'data', 'clickhouse', 'data', 'store');
  return readdirSync(store)
    .flatMap((prefix) => readdirSync(join(store, prefix)).map((table) => join(store, prefix, table)))
    .filter((table) => existsSync(join(table, 'format_version.txt')));
}

/**
 * A group under faults: members whose command takes a while are stopped, killed and cut off at random together with their
 * buses and the server. In the end every execution is held against the law: without a failure of its own member an event
 * runs once, and a member that has nothing to do gets work within a second.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busesOf, killBuses } from './buses.js';
import { Consumer } from './consumer.js';
import { commandLine, processTree } from './process-tree.js';
import { Random } from './random.js';
import { waitUntil } from './wait-until.js';
import { WeirProcess } from './weir-process.js';

/** How long a member has an event. Long stops are longer, short ones shorter. */
const LEASE_MS = 3_000;
const LONG_STOP_MS = 1.6 * LEASE_MS;
const SHORT_STOP_MS = LEASE_MS / 3;
/** What is done and not known to be done when a member dies. */
const UNDER_WAY_MS = 300;

/** Longest idle time of a healthy member that the law allows, beyond that of the same run without faults. */
export const STARVATION_MS = 1_000;

/** One member of the group: a place on a machine, in which consumers follow each other. */
interface Place {
  readonly name: string;
  /** Consumers of one home share a bus. */
  readonly home: string;
  consumer: Consumer;
}

interface Execution {
  readonly place: string;
  readonly id: string;
  readonly start: number;
  /** Infinity where it was cut off. */
  readonly end: number;
}

/** A time in which something was not as it should be. */
interface Fault {
  readonly what: string;
  /** The places that it took events from; none where the server alone failed. */
  readonly lost: readonly string[];
  /** The places that could not work meanwhile. */
  readonly hurt: readonly string[];
  readonly from: number;
  /** When they could again. */
  to: number;
}

/** What became of it. */
export interface GroupRun {
  readonly summary: string;
  readonly executions: number;
  /** Events that ran more than once though their member did not fail: a sentence each. */
  readonly duplicates: readonly string[];
  /** Longest idle time of a healthy member while events waited that no member had begun, ms; and before any fault. */
  readonly starvation: number;
  readonly calm: number;
  /** Events that never ran. */
  readonly missing: number;
}

/** Runs the events of one seed, and reckons up. */
export async function runGroup(options: {
  readonly seed: number;
  readonly events: number;
  readonly faults: number;
}): Promise<GroupRun> {
  const weir = await new WeirProcess({ WEIR_FEED_GROUP_LEASE: `${LEASE_MS}ms` }).start();
  const homes = [mkdtempSync(join(tmpdir(), 'weir-home-')), mkdtempSync(join(tmpdir(), 'weir-home-'))];
  const run = new Run(weir, homes, new Random(options.seed));
  try {
    await run.start(options.events);
    while (run.waiting > 0 && run.faultCount < options.faults) await run.disturb();
    await run.finish();
    return run.reckon(options.seed);
  } finally {
    run.dispose();
    for (const home of homes) {
      killBuses(home);
      rmSync(home, { recursive: true, force: true });
    }
    await weir.dispose();
  }
}

class Run {
  readonly #weir: WeirProcess;
  readonly #random: Random;
  readonly #journal: string;
  readonly #places: Place[] = [];
  readonly #homes: readonly string[];
  readonly #faults: Fault[] = [];
  #sent: readonly string[] = [];
  #sentAt = 0;
  /** About the longest idle time that was looked at last. */
  #gap = '';

  constructor(weir: WeirProcess, homes: readonly string[], random: Random) {
    this.#weir = weir;
    this.#random = random;
    this.#homes = homes;
    this.#journal = join(weir.dataDir, 'journal');
    mkdirSync(this.#journal);
  }

  get faultCount(): number {
    return this.#faults.length;
  }

  /** Events that did not run to their end yet. */
  get waiting(): number {
    const done = new Set(
      this.#executions().flatMap(({ id, end }) => (end < Number.POSITIVE_INFINITY ? [id] : [])),
    );
    return this.#sent.filter((id) => !done.has(id)).length;
  }

  async start(count: number): Promise<void> {
    const [first = '', second = ''] = this.#homes;
    for (const [i, home] of [first, first, second].entries()) {
      const name = `m${i}`;
      this.#places.push({ name, home, consumer: this.#consumer(name, home) });
    }
    await Promise.all(this.#places.map(({ consumer }) => consumer.ready()));
    const events = Array.from({ length: count }, (_, n) => ({
      event: 'job',
      event_id: randomUUID(),
      user_id: `u${n}`,
      timestamp: Date.now(),
    }));
    this.#sentAt = Date.now();
    await this.#weir.send({ events });
    this.#sent = events.map(({ event_id }) => event_id);
    const enough = count - Math.min(60, count / 4);
    await waitUntil('the first events', () => this.waiting < enough, 30_000);
  }

  /** Lets something happen, after a while in which all goes well. */
  async disturb(): Promise<void> {
    await sleep(300 + this.#random.below(1_500));
    const place = this.#random.pick(this.#places);
    const short = 200 + this.#random.below(SHORT_STOP_MS);
    switch (this.#random.below(12)) {
      case 0:
        return await this.#killConsumer(place);
      case 1:
        return await this.#stop('consumer stopped', this.#pidsOf([place]), short, [], [place]);
      case 2:
        return await this.#stop(
          'consumer stopped long',
          this.#pidsOf([place]),
          LONG_STOP_MS,
          [place],
          [place],
        );
      case 3:
        return await this.#killBus(place);
      case 4:
        return await this.#stop('bus stopped', this.#busOf(place), short, [], this.#on(place.home));
      case 5:
        return await this.#stop(
          'bus stopped long',
          this.#busOf(place),
          LONG_STOP_MS,
          this.#on(place.home),
          this.#on(place.home),
        );
      case 6: {
        const places = this.#on(place.home);
        const pids = [...this.#busOf(place), ...this.#pidsOf(places)];
        return await this.#stop('machine of members asleep', pids, LONG_STOP_MS, places, places);
      }
      case 7: {
        const pids = [
          ...this.#homes.flatMap((home) => busesOf(home).map(({ pid }) => pid)),
          ...this.#pidsOf(this.#places),
        ];
        // The server sleeps as well: no lease ends.
        return await this.#stop('all asleep', [...pids, this.#weir.pid], LONG_STOP_MS, [], this.#places);
      }
      case 8:
        return await this.#stop('server stopped', [this.#weir.pid], short, [], this.#places);
      case 9:
        return await this.#stop('server stopped long', [this.#weir.pid], LONG_STOP_MS, [], this.#places);
      case 10:
        return await this.#restartServer('server killed', 0);
      default:
        return await this.#restartServer('server away', LONG_STOP_MS);
    }
  }

  async finish(): Promise<void> {
    await waitUntil('the last events', () => this.waiting === 0, 90_000).catch(() => {});
    // What is to come twice comes within a lease.
    await sleep(LEASE_MS + 1_000);
    for (const { consumer } of this.#places) consumer.signal('SIGTERM');
    await Promise.all(this.#places.map(({ consumer }) => consumer.ended()));
  }

  dispose(): void {
    for (const { consumer } of this.#places) consumer.kill();
  }

  reckon(seed: number): GroupRun {
    const executions = this.#executions();
    const byEvent = groups(executions, ({ id }) => id);
    const duplicates = [...byEvent.values()].flatMap((some) => this.#illegal(some));
    const firstFault = Math.min(...this.#faults.map(({ from }) => from), Number.POSITIVE_INFINITY);
    const [calm, starvation] = [
      this.#longestIdle(executions, 0, firstFault),
      this.#longestIdle(executions, firstFault),
    ];
    const repeated = executions.length - byEvent.size;
    const what = groups(this.#faults, (fault) => fault.what);
    const told = [...what].map(([name, some]) => `${some.length} ${name}`).join(', ');
    const missing = this.#sent.length - new Set(executions.map(({ id }) => id)).size;
    return {
      summary: `seed ${seed}: ${executions.length} executions of ${this.#sent.length} events, ${repeated} again, of them ${duplicates.length} without a failure of their member; longest starvation ${starvation} ms (${calm} ms before any fault${starvation > STARVATION_MS ? `; ${this.#gap}` : ''}); ${this.#faults.length} faults: ${told}`,
      executions: executions.length,
      duplicates,
      starvation,
      calm,
      missing,
    };
  }

  #consumer(name: string, home: string): Consumer {
    const file = join(this.#journal, name);
    const command = `echo "start $WEIR_EVENT_ID $(date +%s%3N)" >> ${file}; cat > /dev/null; sleep 0.$(($$ % 2))5; echo "end $WEIR_EVENT_ID $(date +%s%3N)" >> ${file}`;
    return new Consumer(
      this.#weir,
      ['consume', 'weir.event', '--group', 'workers', '--from', 'earliest', '--exec', command],
      { HOME: home },
    );
  }

  #on(home: string): Place[] {
    return this.#places.filter((place) => place.home === home);
  }

  #busOf({ home }: Place): number[] {
    return busesOf(home).map(({ pid }) => pid);
  }

  /** The consumers with the commands that they run, as Ctrl-Z stops them; the bus has a session of its own. */
  #pidsOf(places: readonly Place[]): number[] {
    return places.flatMap(({ consumer }) =>
      processTree(consumer.pid).filter((pid) => !commandLine(pid).includes('_bus')),
    );
  }

  async #killConsumer(place: Place): Promise<void> {
    const fault = this.#begin('consumer killed', [place], [place]);
    place.consumer.kill();
    await place.consumer.ended();
    place.consumer = this.#consumer(place.name, place.home);
    await place.consumer.ready();
    fault.to = Date.now();
  }

  async #killBus(place: Place): Promise<void> {
    const places = this.#on(place.home);
    const [before] = this.#busOf(place);
    const fault = this.#begin('bus killed', [], places);
    killBuses(place.home);
    await waitUntil('another bus', () => this.#busOf(place).some((pid) => pid !== before), 30_000);
    fault.to = Date.now();
  }

  async #stop(
    what: string,
    pids: readonly number[],
    ms: number,
    lost: readonly Place[],
    hurt: readonly Place[],
  ): Promise<void> {
    const fault = this.#begin(what, lost, hurt);
    for (const pid of pids) signal(pid, 'SIGSTOP');
    await sleep(ms);
    for (const pid of pids) signal(pid, 'SIGCONT');
    fault.to = Date.now();
  }

  async #restartServer(what: string, awayMs: number): Promise<void> {
    const fault = this.#begin(what, [], this.#places);
    await this.#weir.killAll();
    await sleep(awayMs);
    await this.#weir.start();
    fault.to = Date.now();
  }

  #begin(what: string, lost: readonly Place[], hurt: readonly Place[]): Fault {
    const names = (places: readonly Place[]) => places.map(({ name }) => name);
    const from = Date.now();
    const fault: Fault = { what, lost: names(lost), hurt: names(hurt), from, to: from };
    this.#faults.push(fault);
    return fault;
  }

  /** What the commands wrote, by their start. */
  #executions(): Execution[] {
    const executions = this.#places.flatMap(({ name }) => executionsIn(name, join(this.#journal, name)));
    return executions.toSorted((a, b) => a.start - b.start);
  }

  /** Executions of one event that another followed though the law forbids it. */
  #illegal(executions: readonly Execution[]): string[] {
    return executions.slice(0, -1).flatMap(({ id, place, start, end }, i) => {
      const isExcused = this.#faults.some(
        ({ lost, from, to }) => lost.includes(place) && from <= end + UNDER_WAY_MS && to >= start,
      );
      if (isExcused) return [];
      const next = executions[i + 1];
      const about = this.#faults.filter(
        ({ from, to }) => to >= start - 3_000 && from <= (next?.start ?? end),
      );
      return [
        `${id} ran at ${place} from ${start} to ${end} and at ${next?.place} from ${next?.start}: ${about.map((f) => `${f.what} ${f.hurt.join('+')} ${f.from}-${f.to}`).join(', ')}`,
      ];
    });
  }

  #about(name: string, from: number, to: number): string {
    const near = this.#faults.filter((fault) => fault.to >= from - 3_000 && fault.from <= to);
    const told = near.map(({ what, hurt, ...f }) => `${what} ${hurt.join('+')} ${f.from}-${f.to}`);
    return `${name} from ${from} to ${to}: ${told.join(', ')}`;
  }

  /** The longest time in which a member that nothing ailed ran nothing while events waited that no member had begun. */
  #longestIdle(executions: readonly Execution[], from: number, to = Number.POSITIVE_INFINITY): number {
    const firsts = new Map<string, number>();
    for (const { id, start } of executions) if (!firsts.has(id)) firsts.set(id, start);
    const lastStart = Math.max(...firsts.values());
    let longest = 0;
    this.#gap = '';
    for (const { name } of this.#places) {
      const busy = [
        ...executions.filter(({ place }) => place === name).map(({ start, end }) => [start, end] as const),
        // Cut off by a kill: the fault covers it.
        ...this.#faults
          .filter(({ hurt }) => hurt.includes(name))
          .map((fault) => [fault.from, fault.to] as const),
      ]
        .map(([start, end]) => [start, end === Number.POSITIVE_INFINITY ? start : end] as const)
        .toSorted(([a], [b]) => a - b);
      let free = Math.max(from, this.#sentAt);
      for (const [start, end] of [...busy, [lastStart, lastStart] as const].toSorted(([a], [b]) => a - b)) {
        if (start > Math.min(to, lastStart)) break;
        if (start >= from && start - free > longest) {
          longest = start - free;
          this.#gap = this.#about(name, free, start);
        }
        free = Math.max(free, end);
      }
    }
    return longest;
  }
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item]);
  return found;
}

function executionsIn(place: string, file: string): Execution[] {
  if (!existsSync(file)) return [];
  const open = new Map<string, number>();
  const executions: Execution[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [what, id, at] = line.split(' ');
    if (id === undefined || at === undefined) continue;
    if (what === 'start') {
      const before = open.get(id);
      if (before !== undefined) executions.push({ place, id, start: before, end: Number.POSITIVE_INFINITY });
      open.set(id, Number(at));
    } else {
      executions.push({ place, id, start: open.get(id) ?? Number(at), end: Number(at) });
      open.delete(id);
    }
  }
  for (const [id, start] of open) executions.push({ place, id, start, end: Number.POSITIVE_INFINITY });
  return executions;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // A command that has ended meanwhile.
  }
}

/**
 * Consumers under kills: five of them, some sharing a group, are started, ended and killed at random together with their
 * bus and the server, while events come. In the end their lines are held against what was sent.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busesOf, killBuses } from './buses.js';
import { Consumer } from './consumer.js';
import { randomNumbers } from './random.js';
import { waitUntil } from './wait-until.js';
import { WeirProcess } from './weir-process.js';

const USERS = 7;

/** An event as it is sent, and as it comes out. */
interface Line {
  readonly event: string;
  readonly event_id: string;
  readonly user_id: string;
  readonly properties: { readonly n: number };
}

/** A place for a consumer, which has many lives. */
interface Slot {
  readonly args: readonly string[];
  readonly group?: string;
  readonly lives: Life[];
}

interface Life {
  readonly consumer: Consumer;
  /** Killed, or asked to end; else it should still be there. */
  end: 'killed' | 'asked' | null;
}

/** What became of it. */
export interface ConsumeRun {
  readonly summary: string;
  readonly sent: number;
  /** What is wrong, a sentence each: none when every line is as it must be. */
  readonly faults: readonly string[];
  /** Lines of groups beyond the first of an event. */
  readonly repeated: number;
}

/** Runs so long, then lets everybody finish, and reckons up. */
export async function runConsumers(options: {
  readonly seconds: number;
  readonly seed: number;
}): Promise<ConsumeRun> {
  const weir = await new WeirProcess({ WEIR_INGEST_FLUSH_INTERVAL: '200ms' }).start();
  const run = new Run(weir, randomNumbers(options.seed));
  try {
    await run.start();
    const ends = Date.now() + options.seconds * 1_000;
    while (Date.now() < ends) await run.disturb();
    await run.finish();
    return run.reckon(`seed ${options.seed}; ${options.seconds} s`);
  } finally {
    run.dispose();
    killBuses(weir.dataDir);
    await weir.dispose();
  }
}

class Run {
  readonly #weir: WeirProcess;
  readonly #random: () => number;
  readonly #sent: Line[] = [];
  readonly #done: Record<string, number> = {};
  /** Ids of a group's dead letters: events whose member was killed five times. */
  readonly #dead = new Map<string, Set<string>>();
  readonly #slots: readonly Slot[] = [
    { args: ['--from', 'earliest'], lives: [] },
    { args: ['--from', 'earliest', '-p', 'event=odd'], lives: [] },
    { args: ['--group', 'shared', '--from', 'earliest'], group: 'shared', lives: [] },
    { args: ['--group', 'shared', '--from', 'earliest'], group: 'shared', lives: [] },
    { args: ['--group', 'alone', '--from', 'earliest'], group: 'alone', lives: [] },
  ];
  #isSending = true;
  #sending: Promise<void> = Promise.resolve();

  constructor(weir: WeirProcess, random: () => number) {
    this.#weir = weir;
    this.#random = random;
  }

  async start(): Promise<void> {
    for (const slot of this.#slots) this.#revive(slot);
    await Promise.all(this.#slots.map(({ lives }) => lives[0]?.consumer.ready()));
    this.#sending = this.#send();
  }

  /** Ends or kills one of all, after a moment in which all of them work. */
  async disturb(): Promise<void> {
    const before = this.#sent.length;
    await waitUntil('events', () => this.#sent.length > before + 50 + this.#random() * 300);
    const chance = this.#random();
    if (chance < 0.1) {
      this.#note('server');
      // A consumer that was never connected treats a server that does not respond as a wrong address.
      await Promise.all(this.#slots.map(({ lives }) => lives.at(-1)?.consumer.ready()));
      await this.#weir.killAll();
      await this.#weir.start();
      return;
    }
    if (chance < 0.35) {
      this.#note('bus');
      killBuses(this.#weir.dataDir);
      return;
    }
    const slot = this.#slots[Math.floor(this.#random() * this.#slots.length)];
    const life = slot?.lives.at(-1);
    if (slot === undefined || life === undefined) return;
    life.end = this.#random() < 0.6 ? 'killed' : 'asked';
    this.#note(life.end === 'killed' ? 'consumer' : 'ended');
    if (life.end === 'killed') life.consumer.kill();
    else life.consumer.signal('SIGTERM');
    this.#revive(slot);
  }

  async finish(): Promise<void> {
    this.#isSending = false;
    await this.#sending;
    const isComplete = async () => {
      for (const { group } of this.#slots) if (group !== undefined) await this.#readDead(group);
      return this.#slots.every((slot) => this.#missingOf(slot) === 0);
    };
    await waitUntil('the last lines', isComplete, 90_000).catch(() => this.#explain());
    for (const life of this.#slots.flatMap(({ lives }) => lives.slice(-1))) {
      if (life.consumer.hasEnded) continue;
      life.end = 'asked';
      life.consumer.signal('SIGTERM');
    }
    await Promise.all(this.#lives.map(({ consumer }) => consumer.ended()));
  }

  /** Says how the groups and the bus are when lines do not come. */
  async #explain(): Promise<void> {
    const headers = { authorization: `Bearer ${this.#weir.key}` };
    const path = `/api/v1/projects/${this.#weir.project}/feed/groups`;
    console.log((await this.#weir.request('GET', path, { headers })).text);
    const status = new Consumer(this.#weir, ['status', '--json']);
    console.log((await status.ended()).stdout);
    for (const { args, lives } of this.#slots) {
      console.log(
        args.join(' '),
        lives.at(-1)?.consumer.lines.length,
        lives.at(-1)?.consumer.stderr.join('\n'),
      );
    }
    for (const { directory } of busesOf(this.#weir.dataDir)) {
      console.log(readFileSync(join(directory, 'bus.log'), 'utf8').split('\n').slice(-30).join('\n'));
    }
  }

  reckon(title: string): ConsumeRun {
    const repeated = this.#slots
      .filter(({ group }) => group !== undefined)
      .filter((slot, i, all) => all.findIndex(({ group }) => group === slot.group) === i)
      .map((slot) => {
        const ids = this.#idsOfGroup(slot);
        return ids.length - new Set(ids).size;
      })
      .reduce((sum, count) => sum + count, 0);
    const what = Object.entries(this.#done).map(([name, count]) => `${count} ${name}`);
    return {
      summary: `${title}; killed or ended: ${what.join(', ')}; ${this.#sent.length} events, ${this.#lives.length} lives of consumers, ${repeated} lines repeated in groups, ${[...this.#dead.values()].reduce((sum, { size }) => sum + size, 0)} events given up`,
      sent: this.#sent.length,
      faults: [...this.#slots.flatMap((slot) => this.#faultsOf(slot)), ...this.#lives.flatMap(endedByItself)],
      repeated,
    };
  }

  dispose(): void {
    this.#isSending = false;
    for (const { consumer } of this.#lives) consumer.kill();
  }

  get #lives(): Life[] {
    return this.#slots.flatMap(({ lives }) => lives);
  }

  #note(what: string): void {
    this.#done[what] = (this.#done[what] ?? 0) + 1;
  }

  #revive(slot: Slot): void {
    const consumer = new Consumer(this.#weir, ['consume', 'weir.event', ...slot.args]);
    slot.lives.push({ consumer, end: null });
  }

  async #send(): Promise<void> {
    while (this.#isSending) {
      const size = 1 + Math.floor(this.#random() * 20);
      const events = Array.from({ length: size }, (_, i) => this.#event(this.#sent.length + i));
      // The server knows events by their ids, so that one it has acknowledged before a kill is not taken twice.
      while ((await this.#weir.send({ events }).catch(() => null))?.status !== 202) await sleep(50);
      this.#sent.push(...events);
      await sleep(5);
    }
  }

  #event(n: number): Line & { readonly timestamp: number } {
    const event = n % 2 === 0 ? 'even' : 'odd';
    return {
      event,
      event_id: randomUUID(),
      user_id: `u${n % USERS}`,
      timestamp: Date.now(),
      properties: { n },
    };
  }

  #wanted({ args }: Slot): Line[] {
    return args.includes('event=odd') ? this.#sent.filter(({ event }) => event === 'odd') : this.#sent;
  }

  #missingOf(slot: Slot): number {
    const wanted = this.#wanted(slot);
    if (slot.group === undefined) return wanted.length - (slot.lives.at(-1)?.consumer.lines.length ?? 0);
    const found = new Set([...this.#idsOfGroup(slot), ...(this.#dead.get(slot.group) ?? [])]);
    return wanted.filter(({ event_id }) => !found.has(event_id)).length;
  }

  async #readDead(group: string): Promise<void> {
    const path = `/api/v1/projects/${this.#weir.project}/feed/groups/${group}/dead?limit=1000`;
    const { text } = await this.#weir.request('GET', path, {
      headers: { authorization: `Bearer ${this.#weir.key}` },
    });
    const { dead } = JSON.parse(text) as { dead: { event: Line }[] };
    this.#dead.set(group, new Set(dead.map(({ event }) => event.event_id)));
  }

  /** Lines of a life that its group had never before: what was handled and not acknowledged may come again later. */
  #firstTimes({ group }: Slot, life: Life): Line[] {
    const lives = this.#slots.filter((slot) => slot.group === group).flatMap((slot) => slot.lives);
    const first = new Map<string, { readonly at: number; readonly life: Life }>();
    for (const one of lives) {
      for (const [i, { event_id }] of linesOf(one).entries()) {
        const at = one.consumer.lines[i]?.at ?? 0;
        if (at < (first.get(event_id)?.at ?? Number.POSITIVE_INFINITY))
          first.set(event_id, { at, life: one });
      }
    }
    const seen = new Set<string>();
    return linesOf(life).filter(({ event_id }) => {
      const isFirst = first.get(event_id)?.life === life && !seen.has(event_id);
      seen.add(event_id);
      return isFirst;
    });
  }

  #idsOfGroup({ group }: Slot): string[] {
    return this.#slots
      .filter((slot) => slot.group === group)
      .flatMap(({ lives }) => lives.flatMap((life) => linesOf(life).map(({ event_id }) => event_id)));
  }

  #faultsOf(slot: Slot): string[] {
    const name = slot.args.join(' ');
    const wanted = this.#wanted(slot);
    if (slot.group === undefined) {
      return slot.lives.flatMap((life, i) => {
        const lines = linesOf(life);
        const isLast = i === slot.lives.length - 1;
        const at = lines.findIndex(({ event_id }, k) => event_id !== wanted[k]?.event_id);
        if (at >= 0) return [`${name}, life ${i}: line ${at} is n=${lines[at]?.properties.n}`];
        return isLast && lines.length !== wanted.length
          ? [`${name}: ${lines.length} of ${wanted.length}`]
          : [];
      });
    }
    const missing = this.#missingOf(slot);
    return [
      ...(missing > 0 ? [`${name}: ${missing} of ${wanted.length} are missing`] : []),
      ...slot.lives.flatMap((life, i) => {
        const [first] = disorderIn(this.#firstTimes(slot, life));
        return first === undefined ? [] : [`${name}, life ${i}: ${first}`];
      }),
    ];
  }
}

/** Its lines; of one that was killed in the middle of a line all but that. */
function linesOf({ consumer, end }: Life): Line[] {
  return consumer.lines.flatMap(({ text }, i) => {
    try {
      return [JSON.parse(text) as Line];
    } catch (error) {
      if (end === 'killed' && i === consumer.lines.length - 1) return [];
      throw error;
    }
  });
}

function endedByItself({ consumer, end }: Life): string[] {
  return end === null ? [`a consumer ended by itself: ${consumer.stderr.join(' · ')}`] : [];
}

/** Events that one consumer got after a later one of the same person. */
function disorderIn(lines: readonly Line[]): string[] {
  const last = new Map<string, number>();
  return lines.flatMap(({ user_id, properties: { n } }) => {
    const before = last.get(user_id) ?? -1;
    last.set(user_id, Math.max(before, n));
    return n < before ? [`${user_id} got ${n} after ${before}`] : [];
  });
}

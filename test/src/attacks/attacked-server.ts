/** A server with a probe in its event loop, its neighbours, and the bounds that hold while it is attacked. */
import { randomUUID } from 'node:crypto';
import { MeasuredServer } from '../harness/measured-server.js';
import type { TurnReport } from '../harness/turn-probe.js';
import { waitUntil } from '../harness/wait-until.js';
import type { Environment } from '../harness/weir-process.js';
import type { Outcome, Target } from './attacks.js';
import { runAttack } from './run-attack.js';
import { memoryOf, type Seen, Watch } from './watch.js';

const MIB = 1024 * 1024;
/** Time in which memory at rest changes no more. */
const SETTLING_MS = 1_000;

/** What an attack did. */
export interface Attacked extends Seen {
  readonly outcome: Outcome;
  readonly turns: TurnReport;
}

/** See the head of this file. */
export class AttackedServer {
  readonly weir: MeasuredServer;
  readonly #watch: Watch;
  /** What the attackers have. */
  readonly target: Target;
  #idleBytes = 0;
  #honestBytes = 0;

  private constructor(weir: MeasuredServer, watch: Watch, target: Target) {
    this.weir = weir;
    this.#watch = watch;
    this.target = target;
  }

  static async start(environment: Environment = {}): Promise<AttackedServer> {
    const weir = await new MeasuredServer(environment).start();
    const made = await weir.operator('POST', '/projects', { name: 'attacker', id: randomUUID() });
    const { id, ingest_token, api_key } = made.body as Record<string, string>;
    const watch = await Watch.start({ port: weir.port, token: weir.token, pids: () => weir.tree });
    const target = { port: weir.port, project: id ?? '', token: ingest_token ?? '', key: api_key ?? '' };
    return new AttackedServer(weir, watch, target);
  }

  /** Measures the memory under honest load, and that of the server at rest after it. */
  async measureHonest(): Promise<void> {
    const { peakBytes } = await this.attack('honest');
    this.#honestBytes = peakBytes;
    await this.weir.settled();
    // The engine and the garbage collector release memory in steps.
    let rest = Number.POSITIVE_INFINITY;
    await waitUntil('the memory to stay the same', async () => {
      const before = rest;
      rest = Math.min(rest, memoryOf(this.weir.tree));
      await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
      return memoryOf(this.weir.tree) > before - MIB;
    });
    this.#idleBytes = rest;
  }

  /** Runs an attack and measures what the others notice of it. */
  async attack(name: string): Promise<Attacked> {
    await this.weir.turns();
    let outcome: Outcome = {};
    const seen = await this.#watch.during(async () => {
      outcome = await runAttack(name, this.target);
    });
    return { ...seen, outcome, turns: await this.weir.turns() };
  }

  /** Memory of the server and its children at rest, before the first attack, bytes. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** Their largest memory under honest load, bytes. */
  get honestBytes(): number {
    return this.#honestBytes;
  }

  /** Figures of an attack for the log of the test run. */
  describe(name: string, { livez, neighbour, controlLivez, turns, peakBytes, outcome }: Attacked): string {
    const ms = (value: number) => value.toFixed(0);
    return [
      `${name}: /livez p99 ${ms(livez.p99)} worst ${ms(livez.worst)} ms`,
      `ingest p99 ${ms(neighbour.p99)} worst ${ms(neighbour.worst)} ms`,
      `control p99 ${ms(controlLivez.p99)} worst ${ms(controlLivez.worst)} ms`,
      `longest turn ${ms(turns.cpuMs)} ms of CPU`,
      `memory ${ms(peakBytes / MIB)} MiB (idle ${ms(this.#idleBytes / MIB)}, honest ${ms(this.#honestBytes / MIB)})`,
      `answers ${JSON.stringify(outcome)}`,
    ].join(', ');
  }

  async stop(): Promise<void> {
    this.#watch.stop();
    await this.weir.dispose();
  }
}

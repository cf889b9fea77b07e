import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TurnReport } from './turn-probe.js';
import { waitUntil } from './wait-until.js';
import { type Environment, WeirProcess } from './weir-process.js';

const PROBE = new URL('../../dist/harness/turn-probe.js', import.meta.url);

/** A server with a probe that measures the turns of its event loop in CPU time. */
export class MeasuredServer extends WeirProcess {
  readonly #reports: string;

  constructor(environment: Environment = {}, dataDir = mkdtempSync(join(tmpdir(), 'weir-'))) {
    const reports = join(dataDir, 'turns.json');
    super({ NODE_OPTIONS: `--import=${PROBE.href}`, WEIR_TURN_PROBE: reports, ...environment }, dataDir);
    this.#reports = reports;
  }

  /** The turns since the last call. */
  async turns(): Promise<TurnReport> {
    const { number } = this.#report();
    this.signal('SIGUSR2');
    await waitUntil('the report of the probe', () => this.#report().number > number, 60_000);
    return this.#report();
  }

  /** Runs `work`. @returns CPU time of the longest turn meanwhile, milliseconds */
  async longestTurn(work: () => Promise<void>): Promise<number> {
    await this.turns();
    await work();
    return (await this.turns()).cpuMs;
  }

  #report(): TurnReport {
    try {
      return JSON.parse(readFileSync(this.#reports, 'utf8')) as TurnReport;
    } catch {
      return { number: 0, cpuMs: 0, wallMs: 0, totalCpuMs: 0 };
    }
  }
}

import { fileURLToPath } from 'node:url';
import { waitUntil } from './wait-until.js';
import { type Environment, WeirProcess } from './weir-process.js';

const PROBE = new URL('../../dist/harness/turn-probe.js', import.meta.url);

/** A server that can say how long the turns of its event loop are, in processor time. */
export class MeasuredServer extends WeirProcess {
  readonly #results: number[][] = [];
  #rest = '';

  constructor(environment: Environment = {}, dataDir?: string) {
    super({ NODE_OPTIONS: `--import=${fileURLToPath(PROBE)}`, ...environment }, dataDir);
    this.onOutput = (text) => this.#receive(text);
  }

  /** Runs `work`, and resolves with the longest turns meanwhile in milliseconds, the longest first. */
  async longestTurns(work: () => Promise<void>): Promise<readonly number[]> {
    const { length } = this.#results;
    this.signal('SIGUSR2');
    await work();
    this.signal('SIGUSR2');
    return await waitUntil('the measurement', () => this.#results[length]);
  }

  #receive(text: string): void {
    this.#rest += text;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const match = /^turns ([\d. ]+) of \d+$/.exec(line);
      if (match !== null) this.#results.push((match[1] ?? '').split(' ').map(Number));
    }
  }
}

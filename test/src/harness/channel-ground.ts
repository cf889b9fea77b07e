import fc from 'fast-check';
import { channelCase, type Step } from './channel-case.js';
import { runChannelCase } from './channel-run.js';
import { FaultProxy } from './fault-proxy.js';
import { WeirProcess } from './weir-process.js';

/** A server behind a network that can be cut, on which cases of channels run one after the other. */
export class ChannelGround {
  readonly #server = new WeirProcess();
  #proxy: FaultProxy | null = null;

  async start(): Promise<void> {
    await this.#server.start();
    this.#proxy = await FaultProxy.before({ port: this.#server.port, host: '127.0.0.1' });
  }

  async dispose(): Promise<void> {
    await this.#proxy?.close();
    await this.#server.dispose();
  }

  /**
   * Runs so many cases.
   * @returns how often each step was taken
   * @throws Error with the first case in which a promise did not hold, and its seed
   */
  async run(cases: number, seed?: number): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    const property = fc.asyncProperty(channelCase, (steps) => this.#runCase(steps, counts));
    const options = { numRuns: cases, endOnFailure: true, ...(seed === undefined ? {} : { seed }) };
    await fc.assert(property, options);
    return counts;
  }

  async #runCase(steps: readonly Step[], counts: Record<string, number>): Promise<void> {
    const proxy = this.#proxy;
    if (proxy === null) throw new Error('start it first');
    for (const step of steps) counts[step.do] = (counts[step.do] ?? 0) + 1;
    await runChannelCase(this.#server, proxy, steps);
  }
}

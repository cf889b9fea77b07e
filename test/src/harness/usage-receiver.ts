import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import type { UsageLine } from './usage-file.js';

/** What becomes of a batch. */
type Fate = 'taken' | 'refused' | 'hangs' | 'cut off' | 'taken, and not said';

const FAILURES: readonly Fate[] = ['refused', 'hangs', 'cut off', 'taken, and not said'];
/** Share of batches that fail. */
const FAILING = 0.4;

/** A foreign endpoint for usage records, over CloudEvents, that fails now and then. */
export class UsageReceiver {
  readonly #records = new Map<string, UsageLine>();
  readonly #random: () => number;
  readonly #hanging = new Set<ServerResponse>();
  readonly #server = createServer(async (request, response) => {
    const fate = this.#isWell ? 'taken' : fateOf(this.#random());
    const body = await textOf(request).catch(() => null);
    if (body === null) return;
    if (fate === 'taken' || fate === 'taken, and not said') this.#take(body);
    if (fate === 'hangs') this.#hanging.add(response);
    else if (fate === 'cut off') request.socket.destroy();
    else response.writeHead(fate === 'taken' ? 204 : 503).end();
  });
  #isWell = false;

  /** @param random numbers from 0 to 1 that choose what becomes of each batch */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Every record that was taken, as often as its source and id tell it apart. */
  get records(): UsageLine[] {
    return [...this.#records.values()];
  }

  get url(): string {
    // The cast holds: a TCP server's address is an object.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Fails no more. */
  recover(): void {
    this.#isWell = true;
    for (const response of this.#hanging) response.destroy();
  }

  close(): void {
    this.recover();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take(body: string): void {
    const events = JSON.parse(body) as { source: string; id: string; data: UsageLine }[];
    for (const { source, id, data } of events) this.#records.set(`${source} ${id}`, data);
  }
}

/** @param chance from 0 to 1 */
function fateOf(chance: number): Fate {
  return FAILURES[Math.floor((chance / FAILING) * FAILURES.length)] ?? 'taken';
}

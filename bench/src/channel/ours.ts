import { type Channel, Weir } from '@weir/client';
import { residentBytes, WeirProcess } from '@weir/testing';
import { type Appends, appendInWindow, quantiles, type WindowOptions } from './window.js';

/** A server without limits of a channel's rate and length, and a client of it. */
export class OurChannels {
  readonly #server: WeirProcess;
  readonly #weir: Weir;

  private constructor(server: WeirProcess) {
    this.#server = server;
    this.#weir = new Weir({ url: server.url, key: server.key });
  }

  static async start(): Promise<OurChannels> {
    const unlimited = {
      WEIR_CHANNEL_RATE_LIMIT: 'off',
      WEIR_CHANNEL_MAX_MESSAGES: '2000000',
      WEIR_CHANNEL_MAX_BYTES_EACH: '2GiB',
    };
    return new OurChannels(await new WeirProcess(unlimited).start());
  }

  async close(): Promise<void> {
    await this.#weir.close();
    await this.#server.dispose();
  }

  /** Appends through the client, over one socket. */
  async append(payload: Buffer, how: WindowOptions): Promise<Appends> {
    const opened = await this.#open();
    try {
      return await appendInWindow(() => opened.send(payload), how);
    } finally {
      await opened.close();
    }
  }

  /**
   * Appends `total` to one channel and says how fast each portion went; then reads them all.
   * @returns messages a second
   */
  async fill(
    payload: Buffer,
    total: number,
    portion: number,
  ): Promise<{ readonly appends: number[]; readonly replay: number }> {
    const opened = await this.#open();
    const appends: number[] = [];
    for (let filled = 0; filled < total; filled += portion) {
      const how = { window: 64, seconds: Number.POSITIVE_INFINITY, most: portion };
      appends.push((await appendInWindow(() => opened.send(payload), how)).perSecond);
    }
    await opened.close();
    const reader = this.#again(opened);
    const begun = performance.now();
    let read = 0;
    for await (const _ of reader) {
      read += 1;
      if (read === total) break;
    }
    const replay = total / ((performance.now() - begun) / 1_000);
    await reader.close();
    return { appends, replay };
  }

  /** From the call of `send` to the message in a reader's hands, at a pace. */
  async latency(
    payload: Buffer,
    perSecond: number,
    seconds: number,
  ): Promise<{ p50: number; p99: number; count: number }> {
    const opened = await this.#open();
    const reader = this.#again(opened);
    const waits: number[] = [];
    const sent: number[] = [];
    const total = perSecond * seconds;
    const reading = (async () => {
      for await (const { index } of reader) {
        waits.push(performance.now() - (sent[index - 1] ?? Number.NaN));
        if (index === total) return;
      }
    })();
    const begun = performance.now();
    while (sent.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
      while (sent.length < due) {
        sent.push(performance.now());
        void opened.send(payload);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await reading;
    await opened.close();
    await reader.close();
    return { ...quantiles(waits), count: waits.length };
  }

  /** Growth of the server's memory, in bytes, with this number of readers that wait on one channel. */
  async idle(readers: number, ofSocket: number): Promise<number> {
    const opened = await this.#open();
    await opened.send('first');
    const before = residentBytes(this.#server.pid);
    const clients = Array.from(
      { length: readers / ofSocket },
      () => new Weir({ url: this.#server.url, key: this.#server.key }),
    );
    const first = clients.flatMap((client) =>
      Array.from({ length: ofSocket }, async () => {
        const reader = client.channel({ process: opened.process, name: opened.name });
        await reader[Symbol.asyncIterator]().next();
      }),
    );
    await Promise.all(first);
    const grown = residentBytes(this.#server.pid) - before;
    await Promise.all(clients.map((client) => client.close()));
    await opened.close();
    return grown;
  }

  async #open(): Promise<Channel> {
    const process = await this.#weir.processes.submit({ name: 'bench', channels: [{ name: 'bench' }] });
    return process.channel('bench');
  }

  #again({ process, name }: Channel): Channel {
    return this.#weir.channel({ process, name });
  }
}

/**
 * A network between the server and one of its stores, which a test can take away. It works on whole connections and on
 * single inserts: HTTP/1.1 without pipelining tells where a request begins.
 */
import { once } from 'node:events';
import { createServer, connect as dial, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** What befalls inserts, one by one: their answers get lost (they are stored), or they arrive cut short. */
export type InsertFault = 'lose the answer' | 'cut the request';

/** Bytes of a cut request that still arrive: its head and a part of its rows. */
const CUT_AFTER_BYTES = 2_000;

/** Listens on a port of its own and passes everything on, until told otherwise. */
export class FaultProxy {
  readonly #target: NetConnectOpts;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  #isHanging = false;
  #fault: InsertFault | null = null;
  #faultsLeft = 0;
  #faults = 0;

  private constructor(target: NetConnectOpts) {
    this.#target = target;
  }

  /** Puts a proxy before `target`. */
  static async before(target: NetConnectOpts): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.restore();
    return proxy;
  }

  /** The same through all faults. */
  get port(): number {
    return this.#port;
  }

  /** How many inserts a fault has befallen. */
  get faults(): number {
    return this.#faults;
  }

  /** Resets every connection and refuses new ones. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#reset();
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  }

  /** Keeps connections open and lets nothing through, as a network that swallows packets does. */
  hang(): void {
    this.#isHanging = true;
  }

  /** Lets a fault befall the next `count` inserts. */
  spoilInserts(fault: InsertFault, count: number): void {
    this.#fault = fault;
    this.#faultsLeft = count;
  }

  /** Lets everything through again. */
  async restore(): Promise<void> {
    // Bytes were swallowed on the connections that hung: they are of no use any more.
    if (this.#isHanging) this.#reset();
    this.#isHanging = false;
    this.#fault = null;
    if (this.#server !== null) return;
    const server = createServer((socket) => this.#accept(socket));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.refuse();
  }

  #reset(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(client: Socket): void {
    const store = dial(this.#target);
    let isAnswered = true;
    let fault: InsertFault | null = null;
    let passed = 0;
    client.on('data', (data) => {
      if (this.#isHanging) return;
      if (isAnswered) {
        isAnswered = false;
        fault = this.#faultFor(data);
        passed = 0;
      }
      const room = fault === 'cut the request' ? CUT_AFTER_BYTES - passed : data.length;
      passed += data.length;
      if (room >= data.length) {
        store.write(data);
        return;
      }
      store.write(data.subarray(0, Math.max(room, 0)), () => {
        client.destroy();
        store.destroy();
      });
    });
    store.on('data', (data) => {
      if (this.#isHanging) return;
      isAnswered = true;
      if (fault === 'lose the answer') client.destroy();
      else client.write(data);
    });
    for (const [socket, peer] of [
      [client, store],
      [store, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        peer.destroySoon();
      });
    }
  }

  #faultFor(start: Buffer): InsertFault | null {
    const [line = ''] = start.toString('latin1').split('\r\n', 1);
    if (this.#fault === null || this.#faultsLeft === 0 || !/[?&]query=INSERT/i.test(line)) return null;
    this.#faultsLeft -= 1;
    this.#faults += 1;
    return this.#fault;
  }
}

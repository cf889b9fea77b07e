import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@weir/base';
import type { Source, SourceSpec } from '@weir/event/source';
import { type BusDirectory, directoryAt } from '../../directory/bus-directory.js';
import type { Message } from '../../protocol/index.js';
import { type Listener, UnixTransport } from '../../transport/index.js';
import { Bus, type BusLimits, type Lease } from '../index.js';
import { ScriptedSource } from './scripted-source.js';
import { HELLO, TestConsumer } from './test-consumer.js';

/** A bus that listens on a socket of its own, with a scripted source. */
export class TestBus {
  readonly source: ScriptedSource;
  /** The leases that helpers were to clean up. */
  readonly cleaned: Lease[] = [];
  /** And the credentials that they were to do it with. */
  readonly cleanedWith: (string | undefined)[] = [];
  /** What each source was opened with. */
  readonly credentials: (string | undefined)[] = [];
  readonly warnings: string[] = [];
  cleanup: (lease: Lease, signal: AbortSignal) => Promise<void> = async () => {};
  openSource: (spec: SourceSpec, credential: string | undefined) => Source = () => this.source;
  bus: Bus;
  readonly #transport = new UnixTransport();
  readonly #directory: string;
  #listener: Listener | undefined;

  private constructor(directory: string, source: ScriptedSource, limits: Partial<BusLimits>) {
    this.#directory = directory;
    this.source = source;
    this.bus = this.#make(limits);
  }

  static async start(
    limits: Partial<BusLimits> = {},
    source: ScriptedSource = new ScriptedSource(),
  ): Promise<TestBus> {
    const bus = new TestBus(await mkdtemp(join(tmpdir(), 'weir-bus-')), source, limits);
    await bus.#listen();
    return bus;
  }

  /** Where it keeps itself, as clients find it. */
  get directory(): BusDirectory {
    return directoryAt(this.#directory, {});
  }

  /** Where its leases are. */
  get leasesFile(): string {
    return join(this.#directory, 'leases.json');
  }

  /** As if its process were killed and another one started: nothing of it acts any more, but what is on the disk. */
  async restart(limits: Partial<BusLimits> = {}): Promise<void> {
    const dead = this.bus;
    this.bus = this.#make(limits);
    await this.#listener?.close();
    await dead.close('handover');
    await this.#listen();
  }

  /** A consumer that says hello; what is left out is as {@link HELLO} has it. */
  async consumer(hello: Partial<typeof HELLO> = {}): Promise<TestConsumer> {
    return this.connect({ ...HELLO, ...hello });
  }

  async connect(...first: readonly Message[]): Promise<TestConsumer> {
    const consumer = new TestConsumer(await this.#transport.connect(join(this.#directory, 'bus.sock')));
    consumer.say(...first);
    return consumer;
  }

  async close(): Promise<void> {
    await this.bus.close('handover');
    await this.#listener?.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    await this.bus.start();
    await writeFile(this.directory.secretFile, 'secret');
    this.#listener = await this.#transport.listen(join(this.#directory, 'bus.sock'), (socket) =>
      this.bus.accept(socket),
    );
  }

  #make(limits: Partial<BusLimits>): Bus {
    return new Bus({
      version: '1.2.0',
      secret: 'secret',
      leasesFile: this.leasesFile,
      openSource: (spec, credential) => {
        this.credentials.push(credential);
        return this.openSource(spec, credential);
      },
      runCleanup: async (lease, credential, signal) => {
        this.cleaned.push(lease);
        this.cleanedWith.push(credential);
        await this.cleanup(lease, signal);
      },
      log: {
        ...silentLogger,
        warn: (_, message) => this.warnings.push(message),
        error: (_, message) => this.warnings.push(message),
      },
      limits: { firstWaitMs: 1, longestWaitMs: 5, ...limits },
    });
  }
}

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

/** A bus with a socket of its own and a scripted source. */
export class TestBus {
  readonly source: ScriptedSource;
  /** The leases that helpers had to clean up. */
  readonly cleaned: Lease[] = [];
  /** The credentials given to these helpers. */
  readonly cleanedWith: (string | undefined)[] = [];
  /** The credentials that sources were opened with. */
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

  /** The bus directory, for clients. */
  get directory(): BusDirectory {
    return directoryAt(this.#directory, {});
  }

  /** The lease file. */
  get leasesFile(): string {
    return join(this.#directory, 'leases.json');
  }

  /** Simulates a kill and a restart: the old bus stops acting, and only files remain. */
  async restart(limits: Partial<BusLimits> = {}): Promise<void> {
    const dead = this.bus;
    this.bus = this.#make(limits);
    await this.#listener?.close();
    await dead.close('handover');
    await this.#listen();
  }

  /** A consumer that sends hello; missing members default to {@link HELLO}. */
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

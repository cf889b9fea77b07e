/** The usage service: it records requests in the log, from which every sink reads them. */

import { randomBytes } from 'node:crypto';
import { deadline, type Logger } from '@weir/base';
import type { SinkConfig } from '@weir/extension';
import type { Log } from '@weir/log';
import { Retention, type RetentionLimits } from './dispatch/retention.js';
import { SinkReader } from './dispatch/sink-reader.js';
import { USAGE_STREAM } from './records/entry.js';
import { Journal } from './records/journal.js';
import { RecentEvents } from './records/recent-events.js';
import { RequestRecord, type RequestStart } from './records/request-record.js';
import type { SinkRegistry } from './sinks/registry.js';

/** Options of a {@link UsageService}. */
export interface UsageServiceOptions {
  readonly log: Log;
  readonly registry: SinkRegistry;
  /** Names of the sinks to open. */
  readonly sinks: readonly string[];
  readonly nodeId: string;
  readonly dataDir: string;
  readonly retention: RetentionLimits;
  readonly logger: SinkConfig['logger'] & Logger;
  /** Epoch milliseconds; default Date.now. */
  readonly now?: () => number;
}

/** The state of a sink. */
export interface SinkStatus {
  readonly name: string;
  /** Entries of the log that the sink has not read. */
  readonly lag: number;
  /** Records that it never received. */
  readonly dropped: number;
  /** Consecutive failures. */
  readonly failures: number;
}

/** Maximum time for sinks during the shutdown. */
const CLOSE_MS = 5_000;

/** Records requests and feeds the sinks of one node. */
export class UsageService {
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #readers: readonly SinkReader[];
  readonly #retention: Retention;
  readonly #now: () => number;

  private constructor(
    { log, nodeId, logger, retention, now = Date.now }: UsageServiceOptions,
    epoch: string,
    recent: RecentEvents,
    readers: readonly SinkReader[],
  ) {
    this.#log = log;
    this.#now = now;
    this.#readers = readers;
    this.#journal = new Journal({
      log,
      start: { nodeId, epoch },
      recent,
      logger,
      onCompleted: () => this.#wake(),
    });
    this.#retention = new Retention({
      log,
      readers,
      limits: retention,
      recoverable: () => this.#journal.recoverable,
      logger,
      now,
    });
  }

  /** Opens the sinks. @throws Error for an unknown name, and for a sink that cannot be opened */
  static async open(options: UsageServiceOptions): Promise<UsageService> {
    const { log, registry, sinks, nodeId, dataDir, logger } = options;
    const epoch = randomBytes(8).toString('hex');
    const recent = new RecentEvents();
    const readers: SinkReader[] = [];
    try {
      for (const name of new Set(sinks)) {
        const sink = await registry.open(name, { epoch, nodeId, dataDir, logger });
        readers.push(new SinkReader({ log, sink, recent, logger }));
        logger.info({ sink: name, epoch, node: nodeId }, 'usage sink loaded');
      }
    } catch (error) {
      await Promise.all(readers.map((reader) => reader.close(AbortSignal.abort())));
      throw error;
    }
    return new UsageService(options, epoch, recent, readers);
  }

  /** Completes openings of the previous run, and starts to feed the sinks. */
  async start(): Promise<void> {
    await this.#journal.start();
    for (const reader of this.#readers) await reader.start();
    this.#retention.start();
  }

  /** Whether a sink with this name is open. */
  hasSink(name: string): boolean {
    return this.#readers.some(({ sink }) => sink.name === name);
  }

  /** Starts the record of a request. */
  begin(start: RequestStart): RequestRecord {
    return new RequestRecord(start, this.#journal, this.#now);
  }

  /** The state of the sinks, and the number of records that were lost before the log. */
  async status(): Promise<{ readonly lost: number; readonly sinks: readonly SinkStatus[] }> {
    const { last } = await this.#log.stats(USAGE_STREAM);
    const sinks = this.#readers.map(({ sink, kept, dropped, failures }) => ({
      name: sink.name,
      lag: Math.max(0, last - kept),
      dropped,
      failures,
    }));
    return { lost: this.#journal.dropped, sinks };
  }

  /** Writes the last records, and gives the sinks some seconds to store buffered ones. Call it when no request runs. */
  async close(): Promise<void> {
    await this.#retention.close();
    await this.#journal.close();
    const limit = deadline(CLOSE_MS);
    await Promise.all(this.#readers.map((reader) => reader.close(limit.signal))).finally(limit.release);
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

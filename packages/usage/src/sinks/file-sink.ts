import { codeOf } from '@weir/base';
import type { Sink, SinkLogger, UsageEvent } from '@weir/extension';
import { documentOf } from '../records/document.js';
import { EventBatches } from './event-batches.js';
import { UsageFiles, type UsageLine } from './usage-files.js';

/** Options of {@link FileSink}. */
export interface FileSinkOptions {
  /** The path of the written file; different for each node. */
  readonly path: string;
  /** Whether to create a missing directory. Default false. */
  readonly makeDirectory?: boolean;
  /** Maximum bytes of a file before it is rotated. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Retained files besides the written one; older ones are deleted. Default 10. */
  readonly keep?: number;
  readonly logger: SinkLogger;
}

/**
 * Stores records as lines of JSON (NDJSON), each exactly once, also across crashes. A full file is renamed to its name
 * with an increasing number; a record is never split over two files. Only their owner can read the files. While the
 * disk is full or the directory missing, batches reject. The first batch opens the file.
 */
export class FileSink implements Sink {
  readonly name = 'file';
  readonly #files: UsageFiles;
  readonly #batches: EventBatches;

  constructor({ path, makeDirectory = false, maxBytes = 64 * 2 ** 20, keep = 10, logger }: FileSinkOptions) {
    const onCannotDelete = (error: unknown): void =>
      logger.warn({ err: error }, 'an old usage file cannot be deleted');
    this.#files = new UsageFiles({ path, maxBytes, keep, makeDirectory, onCannotDelete });
    this.#batches = new EventBatches((events) => this.#files.append(events.map(lineOf)));
  }

  /** Opens the file; throws if it cannot be written, except for a full disk. */
  async open(): Promise<void> {
    try {
      await this.#files.append([]);
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }

  /** Records that arrived after `close`. */
  get ignored(): number {
    return this.#batches.ignored;
  }

  writeEvent(event: UsageEvent): Promise<void> | undefined {
    return this.#batches.write(event);
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#batches.close(signal);
    // A hanging disk may block the last batch beyond the signal; the end of the process then closes the file.
    if (!signal.aborted) await this.#files.close();
  }
}

function lineOf(event: UsageEvent): UsageLine {
  const bytes = Buffer.from(`${JSON.stringify(documentOf(event))}\n`);
  return { logId: event.logId, seq: event.seq, bytes };
}

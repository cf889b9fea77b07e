import { codeOf } from '@weir/base';
import type { Sink, SinkLogger, UsageEvent } from '@weir/extension';
import { documentOf } from '../records/document.js';
import { EventBatches } from './event-batches.js';
import { UsageFiles, type UsageLine } from './usage-files.js';

/** Options of {@link FileSink}. */
export interface FileSinkOptions {
  /** Of the file that is written; one for each node. */
  readonly path: string;
  /** Whether its directory is made where it is missing. Default false. */
  readonly makeDirectory?: boolean;
  /** Bytes a file may have before it is rotated. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Files that stay besides the one that is written; older ones are deleted. Default 10. */
  readonly keep?: number;
  readonly logger: SinkLogger;
}

/**
 * Keeps records as lines of JSON (NDJSON), each exactly once, through crashes too. A file that is full is renamed to its
 * name and a growing number; a record is never split over two. Files are readable by their owner alone. While the disk is
 * full or the directory missing, batches reject. The file is opened with the first batch.
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

  /** Opens the file; throws where it cannot be written, but for a full disk. */
  async open(): Promise<void> {
    try {
      await this.#files.append([]);
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }

  /** Records that came after `close`. */
  get ignored(): number {
    return this.#batches.ignored;
  }

  writeEvent(event: UsageEvent): Promise<void> | undefined {
    return this.#batches.write(event);
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#batches.close(signal);
    // A disk that hangs may hold the last batch beyond the signal: then the process's end closes the file.
    if (!signal.aborted) await this.#files.close();
  }
}

function lineOf(event: UsageEvent): UsageLine {
  const bytes = Buffer.from(`${JSON.stringify(documentOf(event))}\n`);
  return { logId: event.logId, seq: event.seq, bytes };
}

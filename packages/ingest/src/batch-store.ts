/**
 * Processes one batch until all of its rows are stored outside of the log: in ClickHouse, or as dead letters.
 *
 *     stored          → done
 *     unavailable     → retry with a pause until `retryInPlaceMs` of the outage have passed; then dead letters
 *     bad data        → the other projects' rows are stored; those of the project at fault become dead letters
 *     other rejection → dead letters, which the drainer retries
 *     no dead letters → fatal; retry from the top until a store accepts the batch
 */

import { Backoff, type Logger, pause } from '@weir/base';
import { ClickHouseError } from '@weir/clickhouse';
import { insertAroundBadRows, type Leftover } from './bad-rows.js';
import type { Batch } from './batch.js';
import { complaintOf, leftLetters, projectLetters } from './batch-letters.js';
import type { DeadLetters } from './dead-letters.js';
import type { Flags } from './flags.js';
import type { UsageReporter } from './usage-reporter.js';
import { batchTag, type EventWriter, type InsertContext } from './writer.js';

/**
 * Rejected inserts that a batch may spend on one project: enough to show that only its rows are at fault. The drainer
 * finds the bad ones among them, because a delayed batch delays all later events of all projects.
 */
const TRIES_PER_BATCH = 1;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** Settings of a {@link BatchStore}. */
export interface BatchStoreOptions {
  /** How long of an outage batches are held and retried before they become dead letters, milliseconds. */
  readonly retryInPlaceMs: number;
}

/** Stores batches. One instance for a flusher. */
export class BatchStore {
  readonly #writer: EventWriter;
  readonly #letters: DeadLetters;
  readonly #flags: Flags;
  readonly #usage: UsageReporter;
  readonly #logger: Logger;
  readonly #options: BatchStoreOptions;
  /** Start of the ClickHouse outage, across batches; null while it works. */
  #downSince: number | null = null;

  constructor(
    writer: EventWriter,
    letters: DeadLetters,
    flags: Flags,
    usage: UsageReporter,
    logger: Logger,
    options: BatchStoreOptions,
  ) {
    this.#writer = writer;
    this.#letters = letters;
    this.#flags = flags;
    this.#usage = usage;
    this.#logger = logger;
    this.#options = options;
  }

  /**
   * Resolves with true when no row of the batch needs the log any more; with false if the signal aborted first.
   * @param isAgain whether an earlier run of the server may have sent the batch
   */
  async store(batch: Batch, isAgain: boolean, signal: AbortSignal): Promise<boolean> {
    let wasSent = isAgain;
    const backoff = new Backoff({ firstMs: MIN_PAUSE_MS, longestMs: MAX_PAUSE_MS });
    while (!signal.aborted) {
      const context = contextOf(batch, wasSent);
      wasSent = true;
      const outcome = await unlessAborted(this.#tryOnce(batch, context), signal);
      if (outcome === 'done') return true;
      if (outcome === 'again') await pause(backoff.next(), signal);
    }
    return false;
  }

  async #tryOnce(batch: Batch, context: InsertContext): Promise<'done' | 'again'> {
    try {
      await this.#insert(batch, context);
      return 'done';
    } catch (error) {
      // Rows were rejected and cannot be stored as dead letters, so the batch stays in the log.
      if (!(error instanceof ClickHouseError)) return this.#isFatal(batch, error);
      if (error.code === 'unavailable' && this.#retriesInPlace()) return 'again';
      return await this.#giveUp(batch, error);
    }
  }

  async #insert(batch: Batch, context: InsertContext): Promise<void> {
    let left: Leftover | null = null;
    // During a known outage, a failed ping is cheaper than sending the batch into a timeout.
    if (this.#downSince !== null && !(await this.#writer.isUp())) {
      throw new ClickHouseError('unavailable', 'ClickHouse does not answer');
    }
    try {
      await this.#writer.insert(batch.rows, context);
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.code !== 'bad_data') throw error;
      left = await insertAroundBadRows(this.#writer, batch.rows, contextOf(batch, true), TRIES_PER_BATCH);
    }
    if (left !== null) await this.#letters.add(leftLetters(batch, left));
    this.#downSince = null;
    this.#flags.setFatal(false);
    for (const [projectId, rows] of batch.rows.byProject()) {
      const stored = rows.count - leftCount(projectId, left);
      if (stored > 0) await this.#usage.report(projectId, stored, batch.id);
    }
  }

  #retriesInPlace(): boolean {
    const now = performance.now();
    this.#downSince ??= now;
    return now - this.#downSince < this.#options.retryInPlaceMs;
  }

  async #giveUp(batch: Batch, error: ClickHouseError): Promise<'done' | 'again'> {
    const reason = error.code === 'unavailable' ? 'unavailable' : 'refused';
    try {
      await this.#letters.add(projectLetters(batch, reason, complaintOf(error)));
    } catch (cause) {
      return this.#isFatal(batch, cause);
    }
    // One available store suffices. If only ClickHouse cleared the flag, it would stay set after letters were purged.
    this.#flags.setFatal(false);
    this.#logger.warn(
      { batch: batch.id, events: batch.rows.count, reason, err: error },
      'batch became dead letters',
    );
    return 'done';
  }

  #isFatal(batch: Batch, cause: unknown): 'again' {
    if (!this.#flags.fatal) {
      this.#logger.error(
        { err: cause, batch: batch.id },
        'neither ClickHouse nor the dead-letter queue takes events; they stay in the log and are tried again',
      );
    }
    this.#flags.setFatal(true);
    return 'again';
  }
}

function contextOf(batch: Batch, wasSent: boolean): InsertContext {
  const tag = batchTag(batch.id);
  return { epoch: batch.epoch, tag, earlier: wasSent ? [tag] : [] };
}

function leftCount(projectId: string, left: Leftover | null): number {
  if (left === null) return 0;
  const refused = left.refused.filter((one) => one.projectId === projectId).length;
  return refused + (left.unsettled.get(projectId)?.count ?? 0);
}

/** The outcome of the work, or 'aborted' as soon as the signal aborts; the work itself continues. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'aborted'> {
  work.catch(() => {});
  let onAbort: () => void = () => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    onAbort = () => resolve('aborted');
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

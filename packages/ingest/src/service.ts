/**
 * The write path as one thing: `submit` takes valid events into the durable log and answers; everything behind it
 * (flusher, drainer, the window of known ids, trimming) reads that log.
 */
import type { ClickHouse } from '@weir/clickhouse';
import { type Log, LogError } from '@weir/log';
import type { Postgres } from '@weir/postgres';
import { BatchStore } from './batch-store.js';
import { DeadLetters } from './dead-letters.js';
import { writeEventKey } from './dedup/event-key.js';
import { type ClaimOutcome, type Claims, IdWindow } from './dedup/id-window.js';
import { DeadLetterPlaces, DlqAdmin } from './dlq-admin.js';
import { Drainer } from './drainer.js';
import { IngestEntry } from './entry.js';
import { EntryWriter, type NewEntry } from './entry-writer.js';
import { BufferFullError, IngestError } from './errors.js';
import { Flags } from './flags.js';
import { Flusher } from './flusher.js';
import type { Logger } from './logger.js';
import type { IngestOptions } from './options.js';
import { type LogRange, type ReceiptContents, ReceiptSigner } from './receipt.js';
import { type ReceiptStatus, Receipts } from './receipts.js';
import { RowSet } from './row-set.js';
import { UsageReporter } from './usage-reporter.js';
import type { ValidEvent } from './validate.js';
import { EventWriter } from './writer.js';

/** The stream of the log that holds accepted events. */
export const INGEST_STREAM = 'ingest';

const MAINTENANCE_MS = 5_000;

/** What an {@link IngestService} works with. */
export interface IngestDependencies {
  readonly log: Log;
  readonly clickhouse: ClickHouse;
  readonly postgres: Postgres;
  /**
   * The project of an ingest token, null for none.
   * @throws where the token is not known here and cannot be looked up: that is never "no such token"
   */
  readonly lookupIngestToken: (plaintext: string) => Promise<string | null>;
  readonly logger: Logger;
  /** Told of each flushed batch, for the metrics. */
  readonly onFlushed?: (events: number, milliseconds: number) => void;
  /** The clock, epoch milliseconds; default Date.now. */
  readonly now?: () => number;
}

/** What became of a submit. */
export interface Submitted {
  /** New events, now in the log. */
  readonly accepted: number;
  /** Events whose id was known. */
  readonly duplicates: number;
  /** Asks later where the new events are; null where there were none, or with `ack: memory`. */
  readonly receipt: string | null;
}

/** State of the pipeline for health and metrics. */
export interface IngestStatus {
  /** Events accepted and not yet flushed. */
  readonly pendingEvents: number;
  readonly pendingBytes: number;
  /** Quarantined events. */
  readonly quarantined: number;
  /** Every entry of the ingest log up to this offset has been flushed. */
  readonly flushedOffset: number;
  /** How far back event ids are known. */
  readonly dedupWindowSeconds: number;
}

interface Running {
  readonly ids: IdWindow;
  readonly signer: ReceiptSigner;
  readonly receipts: Receipts;
  readonly maintenance: NodeJS.Timeout;
}

/** The write path of one node. */
export class IngestService {
  readonly flags = new Flags();
  readonly options: IngestOptions;
  /** Operators' access to the dead letters. */
  readonly deadLetters: DlqAdmin;
  readonly #log: Log;
  readonly #lookup: IngestDependencies['lookupIngestToken'];
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #entries: EntryWriter;
  readonly #letters: DeadLetters;
  readonly #places: DeadLetterPlaces;
  readonly #flusher: Flusher;
  readonly #drainer: Drainer;
  #pendingEvents = 0;
  #pendingBytes = 0;
  #running: Promise<Running> | null = null;
  #started: Running | null = null;
  #stopped: Promise<void> | null = null;

  constructor(dependencies: IngestDependencies, options: IngestOptions) {
    const { log, clickhouse, postgres, logger, lookupIngestToken, onFlushed, now = Date.now } = dependencies;
    this.options = options;
    this.#log = log;
    this.#lookup = lookupIngestToken;
    this.#logger = logger;
    this.#now = now;
    this.#entries = new EntryWriter(log.epoch);
    this.#letters = new DeadLetters(postgres, now);
    this.#places = new DeadLetterPlaces(postgres);
    this.deadLetters = new DlqAdmin(postgres, now);
    const writer = new EventWriter(clickhouse, options.flushBytes);
    const usage = new UsageReporter(options.usageSink, logger);
    const store = new BatchStore(writer, this.#letters, this.flags, usage, logger, {
      retryInPlaceMs: options.retryInPlaceMs,
      now,
    });
    this.#flusher = new Flusher(
      log,
      INGEST_STREAM,
      store,
      logger,
      { ...options, now },
      (events, bytes, milliseconds) => {
        this.#pendingEvents -= events;
        this.#pendingBytes -= bytes;
        onFlushed?.(events, milliseconds);
      },
    );
    this.#drainer = new Drainer(this.#letters, writer, this.flags, usage, logger, {
      intervalMs: options.flushIntervalMs,
      batchLimit: options.dlqDrainBatchLimit,
      flushEvents: options.flushEvents,
    });
  }

  /** Reads what the log holds and starts flusher and drainer. Further calls join the first. */
  async start(): Promise<void> {
    this.#running ??= this.#start();
    this.#started = await this.#running;
  }

  /** Why events cannot be taken now, or null: the kill switch, a fatal state, shutdown. */
  refusal(): IngestError | null {
    const { flags } = this;
    if (flags.draining)
      return new IngestError('draining', 'this node is shutting down; send to another or again');
    if (flags.disabled) return new IngestError('ingest_disabled', 'ingest is switched off by the operator');
    if (flags.fatal && this.options.onFatal === 'reject') {
      return new IngestError('ingest_down', 'neither ClickHouse nor the dead-letter queue can take events');
    }
    return null;
  }

  /**
   * Takes events of a project. Resolves when they are on disk (`ack: durable`), or at once (`memory`).
   * @throws BufferFullError, IngestError (`ingest_disabled`, `ingest_down`, `draining`, `log_full`, `batch_too_large`)
   */
  async submit(
    projectId: string,
    events: readonly ValidEvent[],
    receivedAt = this.#now(),
  ): Promise<Submitted> {
    const refusal = this.refusal();
    if (refusal !== null) throw refusal;
    if (events.length > this.options.eventBuffer) {
      throw new IngestError('batch_too_large', `a batch holds at most ${this.options.eventBuffer} events`);
    }
    const running = this.#started;
    if (running === null) throw new IngestError('draining', 'ingest is not running');
    const ranges: LogRange[] = [];
    const { accepted, duplicates } = await this.#take(running, projectId, events, receivedAt, ranges);
    const receipt =
      ranges.length === 0 ? null : running.signer.sign(projectId, this.#contents(ranges, receivedAt));
    return { accepted, duplicates, receipt };
  }

  /**
   * What has become of a receipt's events.
   * @throws IngestError `receipt_unknown`, `receipt_expired`
   */
  async receipt(projectId: string, receipt: string): Promise<ReceiptStatus> {
    if (this.#started === null) throw new IngestError('draining', 'ingest is not running');
    return await this.#started.receipts.look(projectId, receipt);
  }

  /** Waits until a receipt's events have left the log, or the signal aborts; then says what has become of them. */
  async settled(projectId: string, receipt: string, signal: AbortSignal): Promise<ReceiptStatus> {
    const contents = this.#started?.signer.read(projectId, receipt) ?? null;
    if (contents !== null) {
      await this.#flusher.flushed(Math.max(...contents.ranges.map(({ last }) => last)), signal);
    }
    return await this.receipt(projectId, receipt);
  }

  /** See {@link IngestDependencies.lookupIngestToken}. */
  lookupIngestToken(plaintext: string): Promise<string | null> {
    return this.#lookup(plaintext);
  }

  /** The pipeline's figures. */
  get status(): IngestStatus {
    return {
      pendingEvents: this.#pendingEvents,
      pendingBytes: this.#pendingBytes,
      quarantined: this.#drainer.quarantined,
      flushedOffset: this.#flusher.position,
      dedupWindowSeconds: this.#started?.ids.reachSeconds() ?? 0,
    };
  }

  /**
   * Flushes for at most the grace period, then stops. What is left stays in the log for the next start; where the log
   * does not outlive the process it becomes dead letters. Safe to call more than once.
   * @param signal ends the grace period at once
   */
  shutdown(signal?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#shutdown(signal);
    return this.#stopped;
  }

  async #start(): Promise<Running> {
    const ids = await IdWindow.open(this.#log, INGEST_STREAM, {
      windowMs: this.options.dedupWindowMs,
      maxIds: this.options.dedupMaxIds,
      now: this.#now,
    });
    await this.#flusher.restore();
    await this.#recover(ids);
    const signer = await ReceiptSigner.open(this.#log, INGEST_STREAM);
    const receipts = new Receipts(signer, this.#log, INGEST_STREAM, this.#flusher, this.#places, this.#now);
    const maintenance = setInterval(() => void this.#maintain(ids), MAINTENANCE_MS);
    this.#flusher.start();
    this.#drainer.start();
    return { ids, signer, receipts, maintenance };
  }

  /** Reads the log's tail once: ids that are in no run yet, and what the flusher still has before it. */
  async #recover(ids: IdWindow): Promise<void> {
    const { first } = await this.#log.stats(INGEST_STREAM);
    let after = Math.max(Math.min(ids.spilledOffset, this.#flusher.position), first - 1);
    for (;;) {
      const entries = await this.#log.read(INGEST_STREAM, { after });
      const last = entries.at(-1);
      if (last === undefined) return;
      for (const { offset, data } of entries) {
        const entry = new IngestEntry(data);
        if (offset > ids.spilledOffset) await ids.recover(offset, entry.ids, entry.receivedAt);
        if (offset > this.#flusher.position) {
          this.#pendingEvents += entry.count;
          this.#pendingBytes += data.length;
          this.#flusher.appended(entry.count, data.length);
        }
      }
      after = last.offset;
    }
  }

  async #take(
    running: Running,
    projectId: string,
    events: readonly ValidEvent[],
    receivedAt: number,
    ranges: LogRange[],
  ): Promise<{ accepted: number; duplicates: number }> {
    const keys = new Uint32Array(events.length * 4);
    events.forEach((event, index) => {
      if (event.event_id !== null) writeEventKey(projectId, event.event_id, keys, index);
    });
    let claims: Claims | null = null;
    while (claims === null) {
      const lookup = running.ids.lookup(keys);
      // Only an id that may be on disk costs a turn of the event loop.
      claims = running.ids.claim(keys, lookup instanceof Promise ? await lookup : lookup);
    }
    const indexes = newIndexes(claims.outcomes);
    let lastOffset: number | null = null;
    try {
      if (indexes.length > 0) {
        const entries = this.#entries.write(projectId, receivedAt, events, keys, indexes);
        const range = await this.#append(entries, indexes.length);
        if (range !== null) ranges.push(range);
        lastOffset = range?.last ?? 0;
      } else {
        lastOffset = 0;
      }
    } finally {
      claims.settle(lastOffset);
    }
    if (running.ids.isFull) void this.#maintain(running.ids);
    return await this.#withCopies(
      running,
      projectId,
      events,
      receivedAt,
      ranges,
      claims.outcomes,
      indexes.length,
    );
  }

  /** Waits for first copies that were being written; events whose first copy failed are taken now. */
  async #withCopies(
    running: Running,
    projectId: string,
    events: readonly ValidEvent[],
    receivedAt: number,
    ranges: LogRange[],
    outcomes: readonly ClaimOutcome[],
    accepted: number,
  ): Promise<{ accepted: number; duplicates: number }> {
    const lost: ValidEvent[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const event = events[index];
      if (typeof outcome !== 'string' && event !== undefined && !(await outcome)) lost.push(event);
    }
    const duplicates = events.length - accepted - lost.length;
    if (lost.length === 0) return { accepted, duplicates };
    const again = await this.#take(running, projectId, lost, receivedAt, ranges);
    return { accepted: accepted + again.accepted, duplicates: duplicates + again.duplicates };
  }

  /** Appends entries; null where nobody waits for the disk. */
  async #append(entries: readonly NewEntry[], events: number): Promise<LogRange | null> {
    const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes > this.options.eventBufferBytes) {
      throw new IngestError(
        'batch_too_large',
        `a batch holds at most ${this.options.eventBufferBytes} bytes`,
      );
    }
    const isSpooling = this.flags.fatal && this.options.onFatal === 'spool';
    if (
      !isSpooling &&
      (this.#pendingEvents + events > this.options.eventBuffer ||
        this.#pendingBytes + bytes > this.options.eventBufferBytes)
    ) {
      throw new BufferFullError();
    }
    this.#pendingEvents += events;
    this.#pendingBytes += bytes;
    const appended = this.#log
      .append(
        INGEST_STREAM,
        entries.map(({ data }) => data),
      )
      .then(
        ({ first, last }) => {
          this.#flusher.appended(events, bytes);
          return { first, last, events };
        },
        (error: unknown) => {
          this.#pendingEvents -= events;
          this.#pendingBytes -= bytes;
          throw refusalOf(error);
        },
      );
    if (this.options.ack === 'durable') return await appended;
    appended.catch((error: unknown) =>
      this.#logger.error({ err: error, events }, 'events acknowledged from memory were lost'),
    );
    return null;
  }

  #contents(ranges: readonly LogRange[], receivedAt: number): ReceiptContents {
    return { epoch: this.#log.epoch, receivedAt, ranges };
  }

  async #maintain(ids: IdWindow): Promise<void> {
    const trim = (): Promise<void> =>
      this.#log.trim(INGEST_STREAM, Math.min(this.#flusher.position, ids.spilledOffset) + 1);
    try {
      // First of all, for a full log takes no runs.
      await trim();
      const { bytes, maxBytes } = await this.#log.size();
      // Entries stay in the log for their ids; when it gets crowded, the ids move out early.
      await ids.maintain(bytes > maxBytes / 2);
      await trim();
    } catch (error) {
      this.#logger.warn({ err: error }, 'ingest maintenance failed; trying again');
    }
  }

  async #shutdown(signal?: AbortSignal): Promise<void> {
    this.flags.setDraining(true);
    const running = await this.#running;
    if (running === null) return;
    clearInterval(running.maintenance);
    const grace = AbortSignal.timeout(this.options.shutdownGraceMs);
    const isDrained = await this.#flusher.drain(
      signal === undefined ? grace : AbortSignal.any([signal, grace]),
    );
    await Promise.all([this.#flusher.stop(), this.#drainer.stop()]);
    if (!isDrained && this.#log.engine === 'memory') await this.#keepResidual();
    this.#logger.info({ left: this.#pendingEvents }, 'ingest stopped');
  }

  /** Saves what a log in memory would lose: one dead letter per project. */
  async #keepResidual(): Promise<void> {
    const { position } = this.#flusher;
    const entries = await this.#log.read(INGEST_STREAM, {
      after: position,
      maxBytes: Number.MAX_SAFE_INTEGER,
    });
    const rows = RowSet.of(entries.map(({ offset, data }) => new IngestEntry(data).placeAt(offset)));
    if (rows.count === 0) return;
    const first = entries[0]?.offset ?? 0;
    const last = entries.at(-1)?.offset ?? 0;
    const { epoch } = this.#log;
    await this.#letters.add(
      [...rows.byProject()].map(([projectId, own]) => ({
        projectId,
        epoch,
        firstOffset: first,
        lastOffset: last,
        part: 0,
        batchId: `${epoch}-${first}-${last}`,
        rows: own,
        error: 'not flushed before shutdown',
        reason: 'shutdown',
        quarantined: false,
      })),
    );
  }
}

function newIndexes(outcomes: readonly ClaimOutcome[]): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < outcomes.length; index += 1) if (outcomes[index] === 'new') indexes.push(index);
  return indexes;
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof LogError)) return error;
  if (error.code === 'log_closed')
    return new IngestError('draining', 'this node is shutting down', { cause: error });
  if (error.retryable)
    return new IngestError('log_full', 'the log is full; it recovers by itself', { cause: error });
  return error;
}

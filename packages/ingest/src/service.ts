/**
 * The write path: `submit` appends valid events to the durable log and answers. The parts behind it (flusher, drainer,
 * the window of known ids, trimming) read that log.
 */
import { deadline, type Logger, Slice } from '@weir/base';
import type { ClickHouse } from '@weir/clickhouse';
import type { Log } from '@weir/log';
import type { Postgres } from '@weir/postgres';
import { BatchStore } from './batch-store.js';
import { DeadLetters } from './dead-letters.js';
import { IdWindow } from './dedup/id-window.js';
import { DeadLetterPlaces, DlqAdmin } from './dlq-admin.js';
import { Drainer } from './drainer.js';
import { IngestEntry } from './entry.js';
import { IngestError, tooMany } from './errors.js';
import { Flags } from './flags.js';
import { Flusher } from './flusher.js';
import { type Arrival, Intake } from './intake.js';
import { LogShares } from './log-shares.js';
import type { IngestOptions } from './options.js';
import { Pending } from './pending.js';
import { Quarantined } from './quarantined.js';
import { ReceiptSigner } from './receipt.js';
import { type ReceiptStatus, Receipts } from './receipts.js';
import { keepResidual } from './residual.js';
import { UsageReporter } from './usage-reporter.js';
import type { ValidEvent } from './validate.js';
import { EventWriter } from './writer.js';

/** The stream of the log with accepted events. */
export const INGEST_STREAM = 'ingest';

const MAINTENANCE_MS = 5_000;
/** Bytes of the log that a start reads at a time. */
const RECOVER_BYTES = 256 * 1024;

/** Dependencies of an {@link IngestService}. */
export interface IngestDependencies {
  readonly log: Log;
  readonly clickhouse: ClickHouse;
  readonly postgres: Postgres;
  /**
   * The project of an ingest token; null if there is none.
   * @throws if the token is not cached and cannot be looked up, because it may be valid
   */
  readonly lookupIngestToken: (plaintext: string) => Promise<string | null>;
  readonly logger: Logger;
  /** Called for each flushed batch, for the metrics. */
  readonly onFlushed?: (events: number, milliseconds: number) => void;
  /** The clock, epoch milliseconds; default Date.now. */
  readonly now?: () => number;
}

/** Options of a submit. */
export interface SubmitOptions extends Partial<Pick<Arrival, 'receivedAt' | 'companion' | 'slice'>> {}

/** The result of a submit. */
export interface Submitted {
  /** New events, now in the log. */
  readonly accepted: number;
  /** Events with a known id. */
  readonly duplicates: number;
  /** For later queries about the new events; null if there were none, or with `ack: memory`. */
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
  /** Age of the oldest known event ids. */
  readonly dedupWindowSeconds: number;
  /** Event ids known. */
  readonly dedupIds: number;
}

interface Running {
  readonly ids: IdWindow;
  readonly shares: LogShares;
  readonly intake: Intake;
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
  /** This node's events that could not be stored, in the order of their quarantine. */
  readonly quarantined: Quarantined;
  readonly #log: Log;
  readonly #lookup: IngestDependencies['lookupIngestToken'];
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #pending: Pending;
  readonly #letters: DeadLetters;
  readonly #places: DeadLetterPlaces;
  readonly #flusher: Flusher;
  readonly #drainer: Drainer;
  #running: Promise<Running> | null = null;
  #started: Running | null = null;
  #stopped: Promise<void> | null = null;
  #maintaining: Promise<void> | null = null;

  constructor(dependencies: IngestDependencies, options: IngestOptions) {
    const { log, clickhouse, postgres, logger, lookupIngestToken, onFlushed, now = Date.now } = dependencies;
    this.options = options;
    this.#log = log;
    this.#lookup = lookupIngestToken;
    this.#logger = logger;
    this.#now = now;
    this.#pending = new Pending(options.eventBuffer, options.eventBufferBytes);
    this.quarantined = new Quarantined(postgres, log.epoch);
    this.#letters = new DeadLetters(postgres, now, () => this.quarantined.notify());
    this.#places = new DeadLetterPlaces(postgres);
    this.deadLetters = new DlqAdmin(postgres, now);
    const writer = new EventWriter(clickhouse, options.flushBytes);
    const usage = new UsageReporter(options.usageSink, logger);
    const store = new BatchStore(writer, this.#letters, this.flags, usage, logger, {
      retryInPlaceMs: options.retryInPlaceMs,
    });
    this.#flusher = new Flusher(
      log,
      INGEST_STREAM,
      store,
      logger,
      { ...options, now },
      (events, bytes, milliseconds) => {
        this.#pending.remove(events, bytes);
        onFlushed?.(events, milliseconds);
      },
    );
    this.#drainer = new Drainer(
      this.#letters,
      writer,
      this.flags,
      usage,
      logger,
      {
        intervalMs: options.flushIntervalMs,
        batchLimit: options.dlqDrainBatchLimit,
        flushEvents: options.flushEvents,
      },
      () => ({ epoch: log.epoch, position: this.#flusher.position }),
    );
  }

  /** Reads the state from the log and starts flusher and drainer. Further calls join the first. */
  async start(): Promise<void> {
    this.#running ??= this.#start();
    this.#started = await this.#running;
  }

  /** Why events cannot be accepted now; null if they can: the kill switch, a fatal state, shutdown. */
  refusal(): IngestError | null {
    const { flags } = this;
    if (flags.draining)
      return new IngestError('draining', 'this node is shutting down; retry, or use another node');
    if (flags.disabled) return new IngestError('ingest_disabled', 'the operator disabled ingest');
    if (flags.fatal && this.options.onFatal === 'reject') {
      return new IngestError('ingest_down', 'neither ClickHouse nor the dead-letter queue accepts events');
    }
    return null;
  }

  /**
   * Accepts events of a project. Resolves when they are durable (`ack: durable`), or at once (`memory`).
   * @param options `receivedAt` is the arrival in epoch milliseconds, default now; `companion` is stored in the log
   *   with the events; `slice` yields to the event loop between the parts of a large batch
   * @throws IngestError (`ingest_disabled`, `ingest_down`, `ingest_full`, `draining`, `batch_too_large`), LogError
   *   (`log_full`, `project_quota`)
   */
  async submit(
    projectId: string,
    events: readonly ValidEvent[],
    { receivedAt = this.#now(), companion, slice }: SubmitOptions = {},
  ): Promise<Submitted> {
    const refusal = this.refusal();
    if (refusal !== null) throw refusal;
    if (events.length > this.options.eventBuffer) throw tooMany(this.options.eventBuffer);
    const running = this.#started;
    if (running === null) throw new IngestError('draining', 'ingest is not running');
    const { accepted, duplicates, ranges } = await running.intake.take({
      projectId,
      events,
      receivedAt,
      companion,
      slice,
    });
    if (running.ids.isFull && this.#maintaining === null) void this.#maintain(running.ids, running.shares);
    const contents = { epoch: this.#log.epoch, receivedAt, ranges };
    return {
      accepted,
      duplicates,
      receipt: ranges.length === 0 ? null : running.signer.sign(projectId, contents),
    };
  }

  /**
   * The state of a receipt's events.
   * @throws IngestError `receipt_unknown`, `receipt_expired`
   */
  async receipt(projectId: string, receipt: string): Promise<ReceiptStatus> {
    if (this.#started === null) throw new IngestError('draining', 'ingest is not running');
    return await this.#started.receipts.look(projectId, receipt);
  }

  /** Waits until a receipt's events have left the log, or the signal aborts; then returns their state. */
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

  /** The figures of the pipeline. */
  get status(): IngestStatus {
    return {
      pendingEvents: this.#pending.events,
      pendingBytes: this.#pending.bytes,
      quarantined: this.#drainer.quarantined,
      flushedOffset: this.#flusher.position,
      dedupWindowSeconds: this.#started?.ids.reachSeconds() ?? 0,
      dedupIds: this.#started?.ids.size ?? 0,
    };
  }

  /**
   * Flushes for at most the grace period, then stops. Remaining entries stay in the log for the next start; if the log
   * does not outlive the process, they become dead letters. Idempotent.
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
    const shares = new LogShares((await this.#log.size()).maxBytes);
    await this.#recover(ids, shares);
    const signer = await ReceiptSigner.open(this.#log, INGEST_STREAM);
    const receipts = new Receipts(signer, this.#log, INGEST_STREAM, this.#flusher, this.#places, this.#now);
    const maintenance = setInterval(() => void this.#maintain(ids, shares), MAINTENANCE_MS);
    const intake = new Intake({
      log: this.#log,
      stream: INGEST_STREAM,
      ids,
      pending: this.#pending,
      shares,
      flags: this.flags,
      logger: this.#logger,
      options: this.options,
      onAppended: (events, bytes) => this.#flusher.appended(events, bytes),
    });
    this.#flusher.start();
    this.#drainer.start();
    return { ids, shares, intake, signer, receipts, maintenance };
  }

  /**
   * Reads the log once: the shares of projects, ids that are in no run yet, and entries that the flusher still has to
   * process.
   */
  async #recover(ids: IdWindow, shares: LogShares): Promise<void> {
    const { first } = await this.#log.stats(INGEST_STREAM);
    let after = first - 1;
    const slice = new Slice();
    for (;;) {
      if (slice.isOver) await slice.next();
      const entries = await this.#log.read(INGEST_STREAM, { after, maxBytes: RECOVER_BYTES });
      const last = entries.at(-1);
      if (last === undefined) return;
      for (const { offset, data } of entries) {
        const entry = new IngestEntry(data);
        shares.begin(entry.projectId, data.length);
        shares.stored(entry.projectId, data.length, offset);
        if (offset > ids.spilledOffset) await ids.recover(offset, entry.ids, entry.receivedAt);
        if (offset > this.#flusher.position) {
          this.#pending.add(entry.count, data.length);
          this.#flusher.appended(entry.count, data.length);
        }
      }
      after = last.offset;
    }
  }

  /** Trims entries that were flushed and whose ids are in runs. One at a time. */
  #maintain(ids: IdWindow, shares: LogShares): Promise<void> {
    this.#maintaining ??= this.#maintainOnce(ids, shares)
      .catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'ingest maintenance failed; retrying');
      })
      .finally(() => {
        this.#maintaining = null;
      });
    return this.#maintaining;
  }

  async #maintainOnce(ids: IdWindow, shares: LogShares): Promise<void> {
    const { heldAfter = () => Number.POSITIVE_INFINITY } = this.options;
    const trim = async (): Promise<void> => {
      const done = Math.min(this.#flusher.position, ids.spilledOffset, heldAfter());
      await this.#log.trim(INGEST_STREAM, done + 1);
      shares.trimmed(done + 1);
    };
    // First of all, because a full log accepts no runs.
    await trim();
    const { bytes, maxBytes, writable } = await this.#log.size();
    // Flushed entries are retained for their ids; when the log is crowded, the ids are written as a run early.
    const isCrowded = !writable || bytes > maxBytes / 2;
    const reach = ids.reachSeconds();
    await ids.maintain(isCrowded && this.#flusher.position > ids.spilledOffset);
    if (ids.reachSeconds() < reach) {
      this.#logger.warn({ seconds: ids.reachSeconds() }, 'event ids were evicted early, for space');
    }
    await trim();
  }

  async #shutdown(signal?: AbortSignal): Promise<void> {
    this.flags.setDraining(true);
    // A failed start has no events to drain, and its caller has the error.
    const running = await this.#running?.catch(() => null);
    if (running === null || running === undefined) return;
    clearInterval(running.maintenance);
    const grace = deadline(this.options.shutdownGraceMs, signal);
    const isDrained = await this.#flusher.drain(grace.signal);
    await Promise.all([this.#flusher.stop(), this.#drainer.stop(grace.signal)]);
    grace.release();
    await this.#maintaining;
    if (!isDrained && this.#log.engine === 'memory') {
      await keepResidual(await this.#flusher.unflushed(), this.#letters);
    }
    this.#logger.info({ left: this.#pending.events }, 'ingest stopped');
  }
}

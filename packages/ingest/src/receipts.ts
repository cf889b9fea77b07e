/** Answers "where are the events of this 202?" from cursors and dead letters; no extra state is written for it. */
import type { Log } from '@weir/log';
import type { DeadLetterPlaces } from './dlq-admin.js';
import { IngestEntry } from './entry.js';
import { IngestError } from './errors.js';
import type { Flusher } from './flusher.js';
import { type LogRange, RECEIPT_RETENTION_MS, type ReceiptContents, type ReceiptSigner } from './receipt.js';

/** The states of events, from the least to the most advanced. */
export const RECEIPT_STATES = ['logged', 'dead_letter', 'quarantined', 'purged', 'stored'] as const;

/** One of {@link RECEIPT_STATES}. */
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** The state of a request's new events. */
export interface ReceiptStatus {
  /** The least advanced of the events' states. */
  readonly state: ReceiptState;
  readonly counts: Readonly<Record<ReceiptState, number>>;
  /** When the last of them was stored (RFC 3339), if this node still knows. */
  readonly stored_at?: string;
  /** Why events are or were dead letters. */
  readonly reasons?: readonly string[];
}

/** Looks receipts up. */
export class Receipts {
  readonly #signer: ReceiptSigner;
  readonly #log: Log;
  readonly #stream: string;
  readonly #flusher: Flusher;
  readonly #places: DeadLetterPlaces;
  readonly #now: () => number;

  constructor(
    signer: ReceiptSigner,
    log: Log,
    stream: string,
    flusher: Flusher,
    places: DeadLetterPlaces,
    now: () => number,
  ) {
    this.#signer = signer;
    this.#log = log;
    this.#stream = stream;
    this.#flusher = flusher;
    this.#places = places;
    this.#now = now;
  }

  /**
   * The state of a receipt's events.
   * @throws IngestError `receipt_unknown` (also for another project's), `receipt_expired`
   */
  async look(projectId: string, receipt: string): Promise<ReceiptStatus> {
    const contents = this.#signer.read(projectId, receipt);
    if (contents === null) throw new IngestError('receipt_unknown', 'no such receipt in this project');
    if (contents.epoch !== this.#log.epoch || this.#now() - contents.receivedAt > RECEIPT_RETENTION_MS) {
      throw new IngestError('receipt_expired', 'receipts expire after 7 days');
    }
    return await this.status(projectId, contents);
  }

  /** As {@link look}, for known contents. */
  async status(projectId: string, { epoch, ranges }: ReceiptContents): Promise<ReceiptStatus> {
    // While a batch becomes dead letters, both sources contain it: entries beyond the flusher's position count as
    // logged.
    const { position } = this.#flusher;
    const logged = await this.#logged(ranges, position);
    const letters = await this.#places.within(projectId, epoch, ranges, position);
    const counts = { logged, ...letters.counts, stored: 0 };
    const total = ranges.reduce((sum, { events }) => sum + events, 0);
    counts.stored = total - logged - counts.dead_letter - counts.quarantined - counts.purged;
    const state = RECEIPT_STATES.find((one) => counts[one] > 0) ?? 'stored';
    const storedAt =
      state === 'stored' ? this.#flusher.flushedAt(Math.max(...ranges.map(({ last }) => last))) : null;
    return {
      state,
      counts,
      ...(storedAt === null ? {} : { stored_at: new Date(storedAt).toISOString() }),
      ...(letters.reasons.length === 0 ? {} : { reasons: letters.reasons }),
    };
  }

  /** Events of the ranges that the flusher has not reached. */
  async #logged(ranges: readonly LogRange[], position: number): Promise<number> {
    let events = 0;
    for (const { first, last, events: all } of ranges) {
      if (first > position) events += all;
      else if (last > position) {
        const entries = await this.#log.read(this.#stream, {
          after: position,
          limit: last - position,
          maxBytes: Number.MAX_SAFE_INTEGER,
        });
        for (const { offset, data } of entries) if (offset <= last) events += new IngestEntry(data).count;
      }
    }
    return events;
  }
}

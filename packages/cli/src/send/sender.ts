/** Sends a stream of events to the server in concurrent batches and counts the results. */
import { CliError } from '../cli-error.js';
import { type Batch, BatchBuilder } from './batch.js';
import type { Delivery, IngestAnswer } from './delivery.js';
import type { Origin, OutgoingEvent, UnsendableEvent } from './outgoing-event.js';

/** Concurrent batches: enough to hide the round trip and the server's fsync. */
const IN_FLIGHT = 4;

/** Counts of results; `sent` is the sum of the others. */
export interface SendCounts {
  readonly sent: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** Callbacks of a {@link Sender}. */
export interface SendObserver {
  /** An event was rejected, by the server or before sending. */
  rejected(origin: Origin, reason: string): void;
  /** The counts have changed. */
  progressed(counts: SendCounts): void;
}

/** Sends events. */
export class Sender {
  readonly #delivery: Delivery;
  readonly #observer: SendObserver;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #batches = new BatchBuilder();
  #counts: SendCounts = { sent: 0, accepted: 0, duplicates: 0, rejected: 0 };
  #failure: CliError | null = null;

  constructor(delivery: Delivery, observer: SendObserver) {
    this.#delivery = delivery;
    this.#observer = observer;
  }

  /** Results so far. */
  get counts(): SendCounts {
    return this.#counts;
  }

  /**
   * Sends all events of a source; reads no further ahead than the concurrent batches.
   * @throws CliError the first failure of a batch, after the other batches have ended
   */
  async send(source: AsyncIterable<readonly (OutgoingEvent | UnsendableEvent)[]>): Promise<SendCounts> {
    try {
      for await (const items of source) {
        for (const item of items) {
          if ('reason' in item) this.#refuse(item);
          else await this.#startWhenFree(this.#batches.add(item));
          if (this.#failure !== null) throw this.#failure;
        }
        this.#flushIfIdle();
      }
      await this.#startWhenFree(this.#batches.take());
    } finally {
      while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    }
    if (this.#failure !== null) throw this.#failure;
    return this.#counts;
  }

  #refuse({ origin, reason }: UnsendableEvent): void {
    this.#observer.rejected(origin, reason);
    this.#count({ accepted: 0, duplicates: 0, rejected: 1 });
  }

  async #startWhenFree(batch: Batch | null): Promise<void> {
    if (batch === null) return;
    while (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight);
    this.#start(batch);
  }

  #start(batch: Batch): void {
    if (this.#failure !== null) return;
    const work = this.#deliver(batch).finally(() => {
      this.#inFlight.delete(work);
      this.#flushIfIdle();
    });
    this.#inFlight.add(work);
  }

  /** Sends an incomplete batch if nothing is in flight, so that a paused pipe does not delay its events. */
  #flushIfIdle(): void {
    if (this.#inFlight.size > 0) return;
    const batch = this.#batches.take();
    if (batch !== null) this.#start(batch);
  }

  async #deliver(batch: Batch): Promise<void> {
    try {
      const answer = await this.#delivery.deliver(batch);
      for (const { index, reason } of answer.errors) {
        const origin = batch[index]?.origin;
        if (origin !== undefined) this.#observer.rejected(origin, reason);
      }
      this.#count(answer);
    } catch (error) {
      this.#failure ??= CliError.from(error);
    }
  }

  #count({ accepted, duplicates, rejected }: Omit<IngestAnswer, 'errors'>): void {
    const before = this.#counts;
    this.#counts = {
      sent: before.sent + accepted + duplicates + rejected,
      accepted: before.accepted + accepted,
      duplicates: before.duplicates + duplicates,
      rejected: before.rejected + rejected,
    };
    this.#observer.progressed(this.#counts);
  }
}

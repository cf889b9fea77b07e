import { defined } from '@weir/base';
import type { StreamGap } from '@weir/event/source';
import type { Connection } from './connection.js';
import type { SourceFacts } from './source-facts.js';

/** Content of a status message. */
export interface StatusOf {
  readonly facts: SourceFacts;
  /** Every matching event up to this cursor was written; undefined if the position is unknown. */
  readonly cursor: string | undefined;
}

/**
 * Sends source states to one consumer. If the consumer does not read, at most one status waits, and it reports the
 * state at the time of sending; only counts of missed events accumulate.
 */
export class StatusReporter {
  readonly #connection: Connection;
  readonly #of: () => StatusOf;
  #isDue = false;
  #missed: number | undefined;
  #why: string | undefined;

  constructor(connection: Connection, of: () => StatusOf) {
    this.#connection = connection;
    this.#of = of;
  }

  /** Sends the status now, or once the connection has drained. */
  report(): void {
    this.#isDue = true;
    this.flush();
  }

  /** Reports lost events; an unknown number counts as 0. */
  gap({ missed = 0, message }: StreamGap): void {
    this.#missed = (this.#missed ?? 0) + missed;
    this.#why = message;
    this.report();
  }

  /** The connection has drained. */
  flush(): void {
    if (!this.#isDue || !this.#connection.isFree) return;
    const { facts, cursor } = this.#of();
    this.#isDue = false;
    const gap = this.#missed === undefined ? {} : { missed: this.#missed };
    const why = this.#why === undefined ? {} : { message: this.#why };
    this.#missed = undefined;
    this.#why = undefined;
    this.#connection.send({
      type: 'source_status',
      ...facts.json,
      ...defined({ cursor }),
      ...gap,
      ...why,
    });
  }
}

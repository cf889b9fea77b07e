import { defined } from '@weir/base';
import type { StreamGap } from '@weir/event/source';
import type { Connection } from './connection.js';
import type { SourceFacts } from './source-facts.js';

/** What a status is made of when it is told. */
export interface StatusOf {
  readonly facts: SourceFacts;
  /** Everything wanted up to here was written; undefined when nobody knows. */
  readonly cursor: string | undefined;
}

/**
 * What one consumer is told of its source. At most one status waits for a consumer that reads nothing, and says what is
 * then; only events that are missing add up.
 */
export class ToldStatus {
  readonly #connection: Connection;
  readonly #of: () => StatusOf;
  #isDue = false;
  #missed: number | undefined;
  #why: string | undefined;

  constructor(connection: Connection, of: () => StatusOf) {
    this.#connection = connection;
    this.#of = of;
  }

  /** Tells how it is, now or once the connection takes it. */
  tell(): void {
    this.#isDue = true;
    this.flush();
  }

  /** Tells of events that are gone; of a gap that nobody counted, it says 0. */
  gap({ missed = 0, message }: StreamGap): void {
    this.#missed = (this.#missed ?? 0) + missed;
    this.#why = message;
    this.tell();
  }

  /** The connection takes more. */
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

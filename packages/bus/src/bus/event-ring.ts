/** An event in the ring, encoded once for all consumers. */
export interface RingEvent {
  /** The encoded line after `seq`, line feed included. */
  readonly rest: Buffer;
  /** The event type, by which consumers filter. */
  readonly type: string;
  /** The source position after this event; undefined for sources without offsets. */
  readonly cursor: string | undefined;
}

/** Estimated memory of an event in addition to its line. */
const OVERHEAD_BYTES = 200;

/**
 * A ring of a source's most recent events. Positions increase monotonically: `first` is the oldest retained event,
 * `end` is the position of the next one. A cursor maps to the position after its event.
 */
export class EventRing {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #events: (RingEvent | undefined)[] = [];
  readonly #places = new Map<string, number>();
  #first = 0;
  #end = 0;
  #bytes = 0;
  #position: string | undefined;

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#end;
  }

  /** The cursor that corresponds to `end`; undefined after a gap. */
  get position(): string | undefined {
    return this.#position;
  }

  /** The event at a position; undefined if it is not retained. */
  at(place: number): RingEvent | undefined {
    return place < this.#first || place >= this.#end ? undefined : this.#events[place % this.#capacity];
  }

  /** Appends an event and evicts the oldest ones to stay within the bounds. The newest event is always retained. */
  push(event: RingEvent): void {
    if (this.#end - this.#first === this.#capacity) this.#forgetFirst();
    this.#events[this.#end % this.#capacity] = event;
    this.#end += 1;
    this.#bytes += event.rest.length + OVERHEAD_BYTES;
    if (event.cursor !== undefined) {
      this.#places.set(event.cursor, this.#end);
      this.#position = event.cursor;
    }
    while (this.#bytes > this.#maxBytes && this.#end - this.#first > 1) this.#forgetFirst();
  }

  /** Moves to a cursor of the source; no event was skipped. */
  moveTo(cursor: string): void {
    this.#position = cursor;
  }

  /** The position after a cursor, if the ring retains every later event. */
  placeAfter(cursor: string): number | undefined {
    if (cursor === this.#position) return this.#end;
    return this.#places.get(cursor);
  }

  /** Records a gap: cursors from before it no longer lead to the events after it. */
  breakOff(): void {
    this.#places.clear();
    this.#position = undefined;
  }

  #forgetFirst(): void {
    const slot = this.#first % this.#capacity;
    const event = this.#events[slot];
    this.#events[slot] = undefined;
    this.#first += 1;
    if (event === undefined) return;
    this.#bytes -= event.rest.length + OVERHEAD_BYTES;
    // Delete the mapping only if it still belongs to this event: a source that repeats itself may reuse a cursor.
    if (event.cursor !== undefined && this.#places.get(event.cursor) === this.#first) {
      this.#places.delete(event.cursor);
    }
  }
}

/** An event as the bus holds it: written once for all consumers. */
export interface RingEvent {
  /** Its line after `seq`, line feed included. */
  readonly rest: Buffer;
  /** What consumers choose by. */
  readonly type: string;
  /** Where the source goes on after it; undefined for sources without offsets. */
  readonly cursor: string | undefined;
}

/** Beside the line itself: what an event takes in memory, roughly. */
const OVERHEAD_BYTES = 200;

/**
 * The latest events of a source. Places count up for ever: `first` is the oldest event held, `end` is where the next
 * one will be. A cursor stands for the place after its event.
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

  /** The cursor of `end`: everything before it is in the ring, was, or was not wanted. */
  get position(): string | undefined {
    return this.#position;
  }

  /** The event at a place; undefined where none is held. */
  at(place: number): RingEvent | undefined {
    return place < this.#first || place >= this.#end ? undefined : this.#events[place % this.#capacity];
  }

  /** Adds an event, and forgets the oldest ones for it. The newest is always held. */
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

  /** The source is at this cursor, and there was no event up to it. */
  moveTo(cursor: string): void {
    this.#position = cursor;
  }

  /** The place after a cursor, when the ring has all that follows it. */
  placeAfter(cursor: string): number | undefined {
    if (cursor === this.#position) return this.#end;
    return this.#places.get(cursor);
  }

  /** Events are missing after the last one: no cursor from before leads to what comes now. */
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
    // The cursor may be that of a later event too, where a source repeats itself.
    if (event.cursor !== undefined && this.#places.get(event.cursor) === this.#first) {
      this.#places.delete(event.cursor);
    }
  }
}

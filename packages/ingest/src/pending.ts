/** Events accepted and not yet flushed: what bounds the write path's memory and backlog. */
export class Pending {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events = 0;
  #bytes = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get events(): number {
    return this.#events;
  }

  /** Bytes of their stored form. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many more fit. */
  hasRoom(events: number, bytes: number): boolean {
    return this.#events + events <= this.#maxEvents && this.#bytes + bytes <= this.#maxBytes;
  }

  add(events: number, bytes: number): void {
    this.#events += events;
    this.#bytes += bytes;
  }

  remove(events: number, bytes: number): void {
    this.#events -= events;
    this.#bytes -= bytes;
  }
}

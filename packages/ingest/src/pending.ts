/** Events accepted and not yet flushed: bounds the memory and the backlog of the write path. */
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

  /** The limit that the additional events would exceed; null if they fit. */
  fullOf(
    events: number,
    bytes: number,
  ): { readonly what: 'events' | 'bytes'; readonly limit: number } | null {
    if (this.#events + events > this.#maxEvents) return { what: 'events', limit: this.#maxEvents };
    return this.#bytes + bytes > this.#maxBytes ? { what: 'bytes', limit: this.#maxBytes } : null;
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

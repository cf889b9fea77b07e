/** Most events of one request. The server's buffer holds 50,000, which other clients need too. */
const MAX_EVENTS = 5_000;
/** Most bytes of one request; the server takes 10 MiB. */
const MAX_BYTES = 8 * 1024 * 1024;

/** An event as JSON, with its place in the caller's list. */
export interface WrittenEvent {
  readonly index: number;
  readonly text: string;
}

/** Cuts events into requests that a server takes. An event larger than a request is a batch of its own. */
export function batchesOf(events: readonly WrittenEvent[]): WrittenEvent[][] {
  const batches: WrittenEvent[][] = [];
  let batch: WrittenEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    // A UTF-16 unit takes at most three bytes; most texts take one, and the server's limit is above this one.
    const size = event.text.length;
    if (batch.length > 0 && (batch.length === MAX_EVENTS || bytes + size > MAX_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

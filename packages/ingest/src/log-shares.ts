/**
 * Counts the bytes of the ingest log by project. All projects share one stream, so only its writer knows each project's
 * bytes.
 *
 * Appended bytes are summed in buckets of consecutive entries. A bucket is freed once all of its entries are trimmed.
 * So memory is bounded, and the total of all projects is at most one bucket (a thousandth of the log) too high.
 */

interface Bucket {
  lastOffset: number;
  bytes: number;
  readonly shares: Map<string, number>;
}

const BUCKETS = 1_024;

/** See the head of this file. */
export class LogShares {
  readonly #bucketBytes: number;
  readonly #held = new Map<string, number>();
  /** In log order. */
  readonly #buckets: Bucket[] = [];

  /** @param maxBytes of the log */
  constructor(maxBytes: number) {
    this.#bucketBytes = maxBytes / BUCKETS;
  }

  /** Bytes of a project in the log, including reservations and appends in progress. */
  of(projectId: string): number {
    return this.#held.get(projectId) ?? 0;
  }

  /** Counts bytes of an append that begins, or a reservation. {@link stored} or {@link failed} must follow. */
  begin(projectId: string, bytes: number): void {
    this.#hold(projectId, bytes);
  }

  /** Reports that the bytes are in the log, at offsets up to `lastOffset`. */
  stored(projectId: string, bytes: number, lastOffset: number): void {
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || bucket.bytes >= this.#bucketBytes) {
      bucket = { lastOffset, bytes: 0, shares: new Map() };
      this.#buckets.push(bucket);
    }
    bucket.lastOffset = Math.max(bucket.lastOffset, lastOffset);
    bucket.bytes += bytes;
    bucket.shares.set(projectId, (bucket.shares.get(projectId) ?? 0) + bytes);
  }

  /** Reports that the append failed, or that reserved bytes were not needed. */
  failed(projectId: string, bytes: number): void {
    this.#hold(projectId, -bytes);
  }

  /** Reports that entries with an offset below this were trimmed. */
  trimmed(before: number): void {
    for (
      let [oldest] = this.#buckets;
      oldest !== undefined && oldest.lastOffset < before;
      [oldest] = this.#buckets
    ) {
      for (const [projectId, bytes] of oldest.shares) this.#hold(projectId, -bytes);
      this.#buckets.shift();
    }
  }

  #hold(projectId: string, change: number): void {
    const bytes = this.of(projectId) + change;
    if (bytes > 0) this.#held.set(projectId, bytes);
    else this.#held.delete(projectId);
  }
}

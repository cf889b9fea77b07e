/**
 * How many bytes of the ingest log each project has. All projects share one stream, so that only what writes it can tell.
 *
 * What was appended is gathered in buckets of consecutive entries; trimming frees a bucket when all of it is gone. So the
 * figures cost little memory, and are at most one bucket (a thousandth of the log) too high for all projects together.
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
  /** In the order of the log. */
  readonly #buckets: Bucket[] = [];

  /** @param maxBytes of the log */
  constructor(maxBytes: number) {
    this.#bucketBytes = maxBytes / BUCKETS;
  }

  /** Bytes that a project has in the log, with those on their way into it. */
  of(projectId: string): number {
    return this.#held.get(projectId) ?? 0;
  }

  /** An append begins: {@link stored} or {@link failed} follows. */
  begin(projectId: string, bytes: number): void {
    this.#hold(projectId, bytes);
  }

  /** It is in the log, up to this offset. */
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

  /** It is not in the log. */
  failed(projectId: string, bytes: number): void {
    this.#hold(projectId, -bytes);
  }

  /** The entries with an offset below this have been trimmed. */
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

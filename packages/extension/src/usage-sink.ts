/**
 * Told of each batch of events once it is durable in ClickHouse, off the request path.
 *
 * `count` is the number of the project's events in the batch. A batch is reported once, or again with the same
 * `batchId` after a crash: an implementation that bills keeps the id. It should not hold the flusher for long; one
 * that throws is logged and does not stop the flusher.
 */
export interface UsageSink {
  recordIngested(projectId: string, count: number, batchId: string): void | Promise<void>;
}

/** Counts nothing. The default. */
export class Discard implements UsageSink {
  recordIngested(): void {}
}

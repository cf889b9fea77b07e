/**
 * Called for each batch of events once it is durable in ClickHouse, outside of the request path.
 *
 * `count` is the number of the project's events in the batch. A batch is reported once, or again with the same
 * `batchId` after a crash: an implementation that bills stores the id. It should not block the flusher for long; an
 * error is logged and does not stop the flusher.
 */
export interface UsageSink {
  recordIngested(projectId: string, count: number, batchId: string): void | Promise<void>;
}

/** Ignores all batches. The default. */
export class Discard implements UsageSink {
  recordIngested(): void {}
}

import type { Logger } from '@weir/base';
import type { UsageSink } from '@weir/extension';

/** A sink slower than this is no longer waited for. */
const PATIENCE_MS = 5_000;

/** Tells the usage seam of stored batches; whatever the sink does, the flusher goes on. */
export class UsageReporter {
  readonly #sink: UsageSink;
  readonly #logger: Logger;

  constructor(sink: UsageSink, logger: Logger) {
    this.#sink = sink;
    this.#logger = logger;
  }

  /** Reports a project's events of a batch; resolves when the sink has answered, failed or taken too long. */
  async report(projectId: string, count: number, batchId: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), PATIENCE_MS);
    });
    try {
      const answer = this.#sink.recordIngested(projectId, count, batchId);
      if (answer !== undefined && (await Promise.race([answer, patience])) === 'late') {
        this.#logger.warn(
          { project: projectId, batch: batchId },
          'the usage sink is slow; not waiting for it',
        );
      }
    } catch (error) {
      this.#logger.error({ err: error, project: projectId, batch: batchId }, 'the usage sink failed');
    } finally {
      clearTimeout(timer);
    }
  }
}

import type { Logger } from '@weir/base';
import type { UsageSink } from '@weir/extension';

/** The reporter does not wait longer for a sink. */
const PATIENCE_MS = 5_000;

/** Reports stored batches to the usage seam; failures of the sink do not stop the flusher. */
export class UsageReporter {
  readonly #sink: UsageSink;
  readonly #logger: Logger;

  constructor(sink: UsageSink, logger: Logger) {
    this.#sink = sink;
    this.#logger = logger;
  }

  /** Reports a project's events of a batch; resolves when the sink has answered, failed or timed out. */
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

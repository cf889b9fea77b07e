/**
 * Brings the router in line with PostgreSQL, which is authoritative. A difference that a crash or a failure left is
 * found at the next use of the process.
 */
import type { Logger } from '@weir/base';
import { ChannelError, type Router } from '../channel/index.js';
import { isEnd } from './process.js';
import { stateOf } from './process-row.js';
import type { Standing } from './standing.js';
import type { Kept } from './standings.js';

const RETRY_MS = 1_000;

/** See the head of this file. */
export class Alignment {
  readonly #router: Router;
  readonly #logger: Logger;
  readonly #behind = new Set<Kept>();
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(router: Router, logger: Logger) {
    this.#router = router;
    this.#logger = logger;
  }

  /** Resolves when the router matches the process. Throws the errors of the router. */
  async align(kept: Kept): Promise<void> {
    while (kept.aligned !== kept.standing.revision) {
      kept.aligning ??= this.#once(kept);
      await kept.aligning;
    }
    kept.isBehind = false;
    this.#behind.delete(kept);
  }

  /**
   * As {@link align}, with a retry in the background after a failure. Callers that use the channels meanwhile wait for
   * the retry or get its error.
   */
  async attempt(kept: Kept): Promise<void> {
    try {
      await this.align(kept);
    } catch (error) {
      kept.isBehind = true;
      this.#behind.add(kept);
      this.#logger.warn({ err: error, process: kept.standing.id }, 'channels are behind their process');
      this.#schedule();
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  async #once(kept: Kept): Promise<void> {
    const { standing } = kept;
    try {
      await bringInLine(this.#router, standing);
      kept.aligned = standing.revision;
    } finally {
      kept.aligning = null;
    }
  }

  #schedule(): void {
    if (this.#closed || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      for (const kept of [...this.#behind]) void this.attempt(kept);
    }, RETRY_MS);
  }
}

async function bringInLine(router: Router, standing: Standing): Promise<void> {
  const { id, projectId: owner, submitterId, attempt, channels, limits, logId, cleanedAt } = standing;
  // The channels of a lost log cannot be aligned.
  if (channels.length === 0 || logId !== router.logId) return;
  if (cleanedAt !== null) return await router.cleanupProcess(id);
  const executorId = standing.executorId ?? '';
  try {
    const there = await router.getChannelsByProcess(id);
    if (there.length === 0) {
      const info = { processId: id, owner, submitterId, executorId, attempt };
      await router.createForProcess({ ...info, ...(limits !== null && { processLimits: limits }) }, channels);
    } else if (there.every(({ closed }) => closed === undefined)) {
      // The router missed that the process was returned; another executor may have the same attempt now.
      if (there.some((channel) => channel.attempt === attempt && channel.executorId !== executorId))
        await router.setExecutorIdForProcess(id, '', attempt);
      await router.setExecutorIdForProcess(id, executorId, attempt);
    }
    const state = stateOf(standing);
    if (isEnd(state)) await router.closeProcess(id, state);
  } catch (error) {
    // The channels are removed already: the caller records this in PostgreSQL next.
    if (!(error instanceof ChannelError) || error.code !== 'channel_gone') throw error;
  }
}

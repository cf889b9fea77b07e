/**
 * Calls the seams of a wrapper and enforces their contract: answer within 50 ms, and do not throw. A seam that blocks
 * the event loop that long cannot be bounded here; one that waits can.
 */
import type { Logger } from '@weir/base';

const PATIENCE_MS = 50;

/** The decision if a seam violates its contract: the request proceeds, or is refused. */
export type SeamFailure = 'open' | 'closed';

interface Decision {
  readonly ok: boolean;
}

/** Asks seams. */
export class SeamCaller {
  readonly #failure: SeamFailure;
  readonly #logger: Logger;
  readonly #onFailure: (seam: string) => void;

  /** @param onFailure called for each failure, for the metrics */
  constructor(failure: SeamFailure, logger: Logger, onFailure: (seam: string) => void) {
    this.#failure = failure;
    this.#logger = logger;
    this.#onFailure = onFailure;
  }

  /**
   * Returns the seam's decision, or the configured one if it throws or is late. Creates no promise if the seam is
   * synchronous.
   */
  ask<T extends Decision>(
    seam: string,
    call: (signal: AbortSignal) => T | Promise<T>,
  ): T | Decision | Promise<T | Decision> {
    const controller = new AbortController();
    try {
      const answer = call(controller.signal);
      return 'then' in answer ? this.#within(seam, answer, controller) : this.#checked(seam, answer);
    } catch (error) {
      return this.#failed(seam, error);
    }
  }

  async #within<T extends Decision>(
    seam: string,
    answer: Promise<T>,
    controller: AbortController,
  ): Promise<T | Decision> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        controller.abort();
        reject(new Error(`no answer within ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
    });
    try {
      return this.#checked(seam, await Promise.race([answer, late]));
    } catch (error) {
      return this.#failed(seam, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Wrappers may be written without types: an invalid answer must not count as a refusal. */
  #checked<T extends Decision>(seam: string, answer: T): T | Decision {
    if (typeof answer?.ok === 'boolean') return answer;
    return this.#failed(seam, new TypeError('the answer is not a decision: {ok: boolean}'));
  }

  #failed(seam: string, error: unknown): Decision {
    this.#onFailure(seam);
    this.#logger.warn({ err: error, seam, admitted: this.#failure === 'open' }, 'a seam failed its contract');
    return { ok: this.#failure === 'open' };
  }
}

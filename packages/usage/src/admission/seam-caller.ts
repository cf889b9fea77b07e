/**
 * Calls to what a wrapper plugged in, held to their contract: answer within 50 ms and do not throw. A seam that keeps
 * the process busy that long cannot be bounded from outside; one that waits can.
 */
import type { Logger } from '@weir/base';

const PATIENCE_MS = 50;

/** What a seam that fails its contract means: the request goes on, or is refused. */
export type SeamFailure = 'open' | 'closed';

interface Decision {
  readonly ok: boolean;
}

/** Asks seams. */
export class SeamCaller {
  readonly #failure: SeamFailure;
  readonly #logger: Logger;
  readonly #onFailure: (seam: string) => void;

  /** @param onFailure told of each failure, for the metrics */
  constructor(failure: SeamFailure, logger: Logger, onFailure: (seam: string) => void) {
    this.#failure = failure;
    this.#logger = logger;
    this.#onFailure = onFailure;
  }

  /** The seam's decision, or the configured one where it throws or is late. Costs no promise where it is synchronous. */
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

  /** Wrappers may be written without types: what is no decision must not pass for a refusal. */
  #checked<T extends Decision>(seam: string, answer: T): T | Decision {
    if (typeof answer?.ok === 'boolean') return answer;
    return this.#failed(seam, new TypeError('the answer is no decision: {ok: boolean}'));
  }

  #failed(seam: string, error: unknown): Decision {
    this.#onFailure(seam);
    this.#logger.warn({ err: error, seam, admitted: this.#failure === 'open' }, 'a seam failed its contract');
    return { ok: this.#failure === 'open' };
  }
}

/** Calls to what a wrapper plugged in, held to their contract: answer within 50 ms and do not throw. */
import type { Logger } from 'pino';

const PATIENCE_MS = 50;

/** What a seam that fails its contract means: the request goes on, or is refused. */
export type SeamFailure = 'open' | 'closed';

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
  ask<T extends { readonly ok: boolean }>(
    seam: string,
    call: (signal: AbortSignal) => T | Promise<T>,
  ): T | { readonly ok: boolean } | Promise<T | { readonly ok: boolean }> {
    const controller = new AbortController();
    try {
      const answer = call(controller.signal);
      return answer instanceof Promise ? this.#within(seam, answer, controller) : answer;
    } catch (error) {
      return this.#failed(seam, error);
    }
  }

  async #within<T extends { readonly ok: boolean }>(
    seam: string,
    answer: Promise<T>,
    controller: AbortController,
  ): Promise<T | { readonly ok: boolean }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        controller.abort();
        reject(new Error(`no answer within ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      return this.#failed(seam, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(seam: string, error: unknown): { readonly ok: boolean } {
    this.#onFailure(seam);
    this.#logger.warn({ err: error, seam, admitted: this.#failure === 'open' }, 'a seam failed its contract');
    return { ok: this.#failure === 'open' };
  }
}

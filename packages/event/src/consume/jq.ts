import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ConsumeError } from '../consume-error.js';
import type { JqResult } from './jq-program.js';

/** A compiled jq expression. */
export class JqExpression {
  readonly #worker: Worker;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Compiles an expression.
   *
   * @throws ConsumeError `usage` with jq's message for an invalid expression.
   */
  static async compile(expression: string): Promise<JqExpression> {
    const worker = new Worker(new URL('./jq-worker.js', import.meta.url), { workerData: expression });
    // The worker's first message has this type.
    const [{ error }] = (await once(worker, 'message')) as [{ readonly error: string | undefined }];
    if (error === undefined) return new JqExpression(worker);
    await worker.terminate();
    throw new ConsumeError('usage', 'invalid_jq', `The jq expression is invalid: ${firstOf(error)}`, {
      param: 'jq',
      hint: 'Correct the expression after --jq; "weir event schema KEY" shows its input.',
    });
  }

  /**
   * Runs the expression on each input, a JSON text without line breaks.
   *
   * @throws the signal's reason once it has aborted; then the expression cannot be used again.
   */
  async run(inputs: readonly string[], signal: AbortSignal): Promise<readonly JqResult[]> {
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      this.#worker.postMessage(inputs);
      // The worker sends one reply per message, and turns are serialized.
      const [results] = (await once(this.#worker, 'message', { signal })) as [readonly JqResult[]];
      return results;
    });
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** Terminates the worker, even during a run. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

// jq ends its output with the number of errors; keep the messages only.
function firstOf(error: string): string {
  return error
    .replace(/\njq: \d+ compile errors?$/, '')
    .replace(/^jq: error: /, '')
    .trim();
}

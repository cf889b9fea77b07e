import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ConsumeError } from '../consume-error.js';
import type { JqResult } from './jq-program.js';

/** A jq expression that is ready to run. */
export class JqExpression {
  readonly #worker: Worker;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Compiles an expression.
   *
   * @throws ConsumeError `usage` with jq's message for one that is none.
   */
  static async compile(expression: string): Promise<JqExpression> {
    const worker = new Worker(new URL('./jq-worker.js', import.meta.url), { workerData: expression });
    // The cast holds: it is the worker's first message.
    const [{ error }] = (await once(worker, 'message')) as [{ readonly error: string | undefined }];
    if (error === undefined) return new JqExpression(worker);
    await worker.terminate();
    throw new ConsumeError('usage', 'invalid_jq', `The jq expression is none: ${firstOf(error)}`, {
      param: 'jq',
      hint: 'Correct what comes after --jq; "weir event schema KEY" shows what it works on.',
    });
  }

  /**
   * Runs it on each input, a JSON text without line breaks.
   *
   * @throws the signal's reason once it has aborted; the expression cannot be used any more then.
   */
  async run(inputs: readonly string[], signal: AbortSignal): Promise<readonly JqResult[]> {
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      this.#worker.postMessage(inputs);
      // The cast holds: one answer a message, and only one message at a time.
      const [results] = (await once(this.#worker, 'message', { signal })) as [readonly JqResult[]];
      return results;
    });
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** Ends it, whatever it is doing. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

// jq ends with a count of its errors.
function firstOf(error: string): string {
  return error
    .replace(/\njq: \d+ compile errors?$/, '')
    .replace(/^jq: error: /, '')
    .trim();
}

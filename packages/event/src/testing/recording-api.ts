import { defined } from '@weir/base';
import type { ApiClient } from '../api-client.js';
import type { JsonValue } from '../json.js';

/** The response to a call: JSON, an error, or a function of the call's body. */
export type ApiAnswer = JsonValue | Error | ((body: JsonValue | undefined) => JsonValue | Promise<JsonValue>);

/** One call of a hook. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  /** Absent if the call had no body. */
  readonly body?: JsonValue;
}

/**
 * An API that answers from a table and records its calls.
 *
 * ```ts
 * const api = new RecordingApi({ 'POST /hooks': { id: 'h1' }, 'DELETE /hooks/h1': new Error('gone') });
 * api.calls; // [{ method: 'POST', path: '/hooks', body: { … } }, …]
 * ```
 */
export class RecordingApi implements ApiClient {
  /** In order. */
  readonly calls: ApiCall[] = [];
  readonly #answers: ReadonlyMap<string, ApiAnswer>;

  /** @param answers by method and path, such as `GET /users/me`; default none. */
  constructor(answers: Readonly<Record<string, ApiAnswer>> = {}) {
    this.#answers = new Map(Object.entries(answers));
  }

  /** @throws the answer if it is an error; for an unknown call, an error that lists the known ones. */
  async callApi(method: string, path: string, body?: JsonValue): Promise<JsonValue> {
    this.calls.push({ method, path, ...defined({ body }) });
    const answer = this.#answers.get(`${method} ${path}`);
    if (answer === undefined) {
      const known = [...this.#answers.keys()].join(', ') || 'nothing';
      throw new Error(`Nothing answers ${method} ${path}. The table has ${known}: add it.`);
    }
    if (answer instanceof Error) throw answer;
    return typeof answer === 'function' ? await answer(body) : answer;
  }
}

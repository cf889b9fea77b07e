import { waitUntil } from './wait-until.js';
import type { WeirProject } from './weir-project.js';

/** A submitted process, and its assignment. */
export interface Job {
  readonly id: string;
  /** The executor's assignment; empty while the process waits. */
  readonly assignment: string;
  readonly attempt: number;
}

/** An answer of the API, parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [field: string]: unknown };
}

/** Calls of processes and channels by one API key. */
export class Jobs {
  readonly #weir: WeirProject;
  readonly #key: string;
  #submitted = 0;

  constructor(weir: WeirProject, key = weir.key) {
    this.#weir = weir;
    this.#key = key;
  }

  /** Any call below `/api/v1/processes`. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await this.#weir.request(method, `/api/v1/processes${path}`, {
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { ...answer, body: answer.text === '' ? {} : JSON.parse(answer.text) };
  }

  /** Submits a process with a channel `c`, or those that are named, and takes it. */
  async run(more: object = {}): Promise<Job> {
    this.#submitted += 1;
    const executor_type = `type-${this.#submitted}-${Math.random()}`;
    const wanted = { name: 'job', executor_type, channels: [{ name: 'c' }], ...more };
    // PostgreSQL comes up a moment after the server.
    const submitted = await waitUntil('an answer', async () => {
      const answer = await this.call('POST', '', wanted);
      return answer.status === 503 ? null : answer;
    });
    if (submitted.status !== 201) throw new Error(`submit: ${JSON.stringify(submitted.body)}`);
    return await this.take(executor_type);
  }

  /** Takes the next process of a type, waiting for it. */
  async take(executor_type: string): Promise<Job> {
    const { status, body } = await this.call('POST', '/assign', { executor_type, wait_ms: 30_000 });
    if (status !== 200) throw new Error(`assign: ${status} ${JSON.stringify(body)}`);
    // The cast holds by docs/processes.md.
    return body as unknown as Job;
  }

  /** Ends a process as its executor. */
  async close({ id, assignment }: Job): Promise<void> {
    const { status, body } = await this.call('POST', `/${id}/close`, { status: 'success', assignment });
    if (status !== 200) throw new Error(`close: ${status} ${JSON.stringify(body)}`);
  }
}

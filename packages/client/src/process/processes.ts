import type { Connection } from '../http/connection.js';
import { type NewProcess, type Process, type ProcessState, processOf } from './process.js';
import { SubmittedProcess } from './submitted-process.js';

/** Which processes to list. */
export interface ProcessFilter {
  readonly state?: ProcessState;
  readonly name?: string;
}

const PROCESSES = '/api/v1/processes';
/** Processes of one request of {@link Processes.list}. */
const PAGE = 200;

/** The processes of the key's project: jobs that one program submits and another runs. */
export class Processes {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Submits a process; resolves when it is stored.
   *
   * ```ts
   * const job = await weir.processes.submit({ name: 'answer', args: { question }, channels: [{ name: 'tokens' }] });
   * for await (const message of job.channel('tokens')) show(message.text());
   * const { state, output } = await job.wait();
   * ```
   * @throws WeirError `invalid_channel`, `too_many_channels`, `idempotency_conflict`, …
   */
  async submit(wanted: NewProcess): Promise<SubmittedProcess> {
    const answer = await this.#connection.json({
      method: 'POST',
      path: PROCESSES,
      body: {
        name: wanted.name,
        args: wanted.args,
        executor_type: wanted.executorType ?? 'default',
        priority: wanted.priority,
        channels: wanted.channels,
        max_wait_ms: wanted.maxWaitMs,
        max_exec_ms: wanted.maxExecMs,
        max_retries: wanted.maxRetries,
        idempotency_key: wanted.idempotencyKey ?? crypto.randomUUID(),
      },
    });
    return this.open(processOf(answer).id);
  }

  /** A process by its id, without a request: for its channels, its end and its cancellation. */
  open(id: string): SubmittedProcess {
    return new SubmittedProcess(this.#connection, id);
  }

  /** A process as it stands now. @throws WeirError `process_not_found` */
  async get(id: string): Promise<Process> {
    return await this.open(id).get();
  }

  /** A process at its end. @throws WeirError `process_not_found`, `cancelled` by the signal */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<Process> {
    return await this.open(id).wait(options);
  }

  /** Cancels a process. @throws WeirError `process_not_found`, `invalid_state` when it has ended */
  async cancel(id: string): Promise<Process> {
    return await this.open(id).cancel();
  }

  /** All processes of the project, the newest first, in pages that are requested as they are needed. */
  async *list({ state, name }: ProcessFilter = {}): AsyncGenerator<Process, void, undefined> {
    let after: string | undefined;
    do {
      const answer = await this.#connection.json({
        path: PROCESSES,
        query: { state, name, after, limit: PAGE },
      });
      // The cast holds: a Weir server's answers are of one form.
      const { processes, next } = answer as { processes: readonly unknown[]; next: string | null };
      yield* processes.map(processOf);
      after = next ?? undefined;
    } while (after !== undefined);
  }
}

import { type Channel, type ChannelOptions, channel } from '../channel/channel.js';
import type { Client } from '../client.js';
import { hasEnded, type NewProcess, type Process, processOf } from './process.js';

/** Longest wait of one request, milliseconds. */
const WAIT_MS = 30_000;
/** A request that waits answers a little after its time. */
const GRACE_MS = 15_000;

/**
 * Submits a process; resolves when it is stored.
 *
 * ```ts
 * const job = await submit(weir, { name: 'answer', args: { question }, channels: [{ name: 'tokens' }] });
 * for await (const message of job.channel('tokens')) show(message.text());
 * const { state, output } = await job.wait();
 * ```
 * @throws WeirError `invalid_channel`, `too_many_channels`, `idempotency_conflict`, …
 */
export async function submit(client: Client, wanted: NewProcess): Promise<SubmittedProcess> {
  const answer = await client.call({
    method: 'POST',
    path: '/api/v1/processes',
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
  return new SubmittedProcess(client, processOf(answer).id);
}

/** A process this client submitted, or one it observes. */
export class SubmittedProcess {
  readonly id: string;
  readonly #client: Client;

  constructor(client: Client, id: string) {
    this.#client = client;
    this.id = id;
  }

  /** A channel of it; each call is one of its own. */
  channel(name: string, options: Pick<ChannelOptions, 'after' | 'signal'> = {}): Channel {
    return channel(this.#client, { ...options, process: this.id, name });
  }

  /** How it stands now. */
  async get(): Promise<Process> {
    return processOf(await this.#client.call({ method: 'GET', path: this.#path }));
  }

  /** How it ended, once it has. @throws WeirError `cancelled` by the signal */
  async wait({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Process> {
    for (;;) {
      const answer = await this.#client.call({
        method: 'GET',
        path: `${this.#path}/wait`,
        query: { timeout: WAIT_MS },
        timeoutMs: WAIT_MS + GRACE_MS,
        signal,
      });
      const process = processOf(answer);
      if (hasEnded(process)) return process;
    }
  }

  /** Cancels it, whether somebody works on it or not. @throws WeirError `invalid_state` when it has ended */
  async cancel(): Promise<Process> {
    return processOf(await this.#client.call({ method: 'POST', path: `${this.#path}/cancel` }));
  }

  get #path(): string {
    return `/api/v1/processes/${encodeURIComponent(this.id)}`;
  }
}

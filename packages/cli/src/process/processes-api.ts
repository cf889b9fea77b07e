import { pause } from '@weir/base';
import { z } from 'zod';
import type { ApiClient } from '../api/client.js';
import { CliError, usageError } from '../cli-error.js';
import type { Invocation } from '../invocation.js';
import { assignedDocument, hasEnded, type ProcessDocument, processDocument } from './process-document.js';

/** Maximum wait of one request, milliseconds. */
const WAIT_MS = 30_000;
/** Delay between requests to an unreachable server, milliseconds. */
const RETRY_MS = 500;
/** Additional timeout of a waiting request. */
const GRACE_MS = 15_000;

const list = z.object({ processes: z.array(processDocument), next: z.string().nullable() });

/** Which processes to list. */
export interface ListOptions {
  readonly state?: string;
  readonly name?: string;
  readonly after?: string;
  readonly limit?: string;
}

/** The processes of a project. */
export class ProcessesApi {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  static async of(invocation: Invocation): Promise<ProcessesApi> {
    return new ProcessesApi((await invocation.keyed()).api);
  }

  async submit(body: object): Promise<ProcessDocument> {
    return await this.#api.json(processDocument, { method: 'POST', path: ROOT, body });
  }

  /** Takes the next process of a type; null if none arrived in time. @param waitMs may exceed the limit of one request */
  async assign(executorType: string, waitMs: number) {
    const until = performance.now() + waitMs;
    for (;;) {
      const left = Math.max(0, until - performance.now());
      const response = await this.#api.response({
        method: 'POST',
        path: `${ROOT}/assign`,
        body: { executor_type: executorType, wait_ms: Math.round(Math.min(WAIT_MS, left)) },
        timeoutMs: WAIT_MS + GRACE_MS,
      });
      if (response.status !== 204) return await this.#api.read(assignedDocument, response);
      if (performance.now() >= until) return null;
    }
  }

  async get(id: string): Promise<ProcessDocument> {
    return await this.#api.json(processDocument, { path: pathOf(id) });
  }

  async list({ state, name, after, limit }: ListOptions) {
    return await this.#api.json(list, { path: ROOT, query: { state, name, after, limit } });
  }

  /**
   * Waits until the process has ended, or until the timeout; returns it. Waits through an outage of a server that has
   * answered once.
   */
  async wait(id: string, timeoutMs: number): Promise<ProcessDocument> {
    const until = performance.now() + timeoutMs;
    let process = await this.get(id);
    while (!hasEnded(process) && performance.now() < until) {
      const left = Math.max(0, until - performance.now());
      const request = {
        path: `${pathOf(id)}/wait`,
        query: { timeout: String(Math.round(Math.min(WAIT_MS, left))) },
        timeoutMs: WAIT_MS + GRACE_MS,
      };
      try {
        process = await this.#api.json(processDocument, request);
      } catch (error) {
        const { retryable, retryAfterMs = 0 } = CliError.from(error);
        if (!retryable || performance.now() + RETRY_MS >= until) throw error;
        await pause(Math.max(RETRY_MS, retryAfterMs));
      }
    }
    return process;
  }

  /** Changes a process: `heartbeat`, `close`, `cancel`. */
  async change(id: string, what: string, body: object, timeoutMs?: number): Promise<ProcessDocument> {
    const within = timeoutMs === undefined ? {} : { timeoutMs };
    return await this.#api.json(processDocument, {
      method: 'POST',
      path: `${pathOf(id)}/${what}`,
      body,
      ...within,
    });
  }
}

const ROOT = '/api/v1/processes';

function pathOf(id: string): string {
  return `${ROOT}/${encodeURIComponent(id)}`;
}

/** The executor's assignment, from the option or `WEIR_ASSIGNMENT`. @throws CliError `usage` */
export function requireAssignment(given: string | undefined, { context }: Invocation): string {
  const assignment = given ?? context.env.WEIR_ASSIGNMENT;
  if (assignment !== undefined && assignment !== '') return assignment;
  throw usageError(
    'an executor needs its assignment',
    'Give --assignment or WEIR_ASSIGNMENT: what "weir process assign" showed',
  );
}

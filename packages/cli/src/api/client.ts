import { boundedFetch, defined } from '@weir/base';
import type { z } from 'zod';
import { CliError } from '../cli-error.js';
import { failureOf, networkFailure } from './failure.js';

/** A request to the server. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the server's root, its parts already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, with these headers. */
  readonly raw?: {
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly headers: Readonly<Record<string, string>>;
  };
  /** Longest wait in milliseconds; default without bound. */
  readonly timeoutMs?: number;
}

/**
 * Talks to one server with one credential.
 *
 * ```ts
 * const api = new ApiClient('http://127.0.0.1:8080', operatorKey);
 * const { projects } = await api.json(projectList, { path: '/api/v1/admin/projects' });
 * ```
 */
export class ApiClient {
  readonly server: string;
  readonly #credential: string | null;

  /** @param credential sent as a bearer token; null sends none */
  constructor(server: string, credential: string | null) {
    this.server = server;
    this.#credential = credential;
  }

  /**
   * The answer's JSON in its known form.
   * @throws CliError as {@link ApiClient.response}; `failed` with `unexpected_answer` for another form
   */
  async json<T>(schema: z.ZodType<T>, request: ApiRequest): Promise<T> {
    return await this.read(schema, await this.response(request));
  }

  /** The JSON of an answer in its known form. Throws like {@link ApiClient.json}. */
  async read<T>(schema: z.ZodType<T>, response: Response): Promise<T> {
    const text = await response.text().catch((error: unknown) => {
      throw networkFailure(this.server, error);
    });
    const parsed = schema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new CliError(
      'failed',
      'unexpected_answer',
      `${this.server} does not answer like a Weir server of this version`,
      { hint: 'Check --server, and compare "weir version" with its /healthz', cause: parsed.error },
    );
  }

  /** A request whose answer has no content that matters. */
  async done(request: ApiRequest): Promise<void> {
    await (await this.response(request)).arrayBuffer();
  }

  /**
   * The answer, its body not read yet.
   * @throws CliError `auth` or `failed` for an answer outside 2xx, `network` for none
   */
  async response(request: ApiRequest): Promise<Response> {
    const response = await this.any(request);
    if (!response.ok) throw await failureOf(response);
    return response;
  }

  /** The answer, whatever its status. Throws CliError `network` where there is none. */
  async any({
    method = 'GET',
    path,
    query = {},
    body,
    headers,
    raw,
    timeoutMs,
  }: ApiRequest): Promise<Response> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    const payload = raw?.bytes ?? (body === undefined ? undefined : JSON.stringify(body));
    try {
      return await boundedFetch(`${this.server}${path}${search.size === 0 ? '' : `?${search}`}`, {
        method,
        // A redirect would turn a POST into a GET, and lead the credential elsewhere.
        redirect: 'error',
        headers: {
          ...(this.#credential === null ? {} : { authorization: `Bearer ${this.#credential}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
          ...raw?.headers,
        },
        ...defined({ body: payload }),
        timeoutMs,
      });
    } catch (error) {
      throw networkFailure(this.server, error);
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

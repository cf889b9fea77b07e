import { type Call, Connection, errorOfResponse, WeirError } from '@weir/client/http';
import type { z } from 'zod';
import { CliError } from '../cli-error.js';
import { failureOf, HINTS, networkFailure } from './failure.js';

/** A request to the server. Without `timeoutMs` it has no timeout. */
export type ApiRequest = Pick<Call, 'method' | 'path' | 'query' | 'body' | 'headers' | 'raw' | 'timeoutMs'>;

/**
 * Sends requests to one server with one credential, over the core of `@weir/client`. Validates responses and converts
 * failures into errors of the command. It never retries, because a command must report a failure at once.
 *
 * ```ts
 * const api = new ApiClient('http://127.0.0.1:8080', operatorKey);
 * const { projects } = await api.json(projectList, { path: '/api/v1/admin/projects' });
 * ```
 */
export class ApiClient {
  readonly server: string;
  readonly #connection: Connection;

  /**
   * @param credential sent as a bearer token; null sends none
   * @throws CliError `auth` if the credential cannot be sent as a header
   */
  constructor(server: string, credential: string | null) {
    this.server = server;
    this.#connection = connectionTo(server, credential);
  }

  /**
   * The response as validated JSON.
   * @throws CliError like {@link ApiClient.response}; `failed` with `unexpected_answer` if the JSON is invalid
   */
  async json<T>(schema: z.ZodType<T>, request: ApiRequest): Promise<T> {
    return await this.read(schema, await this.response(request));
  }

  /** Reads and validates the JSON of a response. Throws like {@link ApiClient.json}. */
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

  /** Sends a request and ignores the content of the response. */
  async done(request: ApiRequest): Promise<void> {
    await (await this.response(request)).arrayBuffer();
  }

  /**
   * The response, before its body is read.
   * @throws CliError `auth` or `failed` for a status outside 2xx, `network` if there is no response
   */
  async response(request: ApiRequest): Promise<Response> {
    const response = await this.any(request);
    if (!response.ok) throw failureOf(await errorOfResponse(response));
    return response;
  }

  /** The response with any status. Throws CliError `network` if there is none. */
  async any(request: ApiRequest): Promise<Response> {
    try {
      return await this.#connection.any(request);
    } catch (error) {
      throw error instanceof WeirError ? failureOf(error) : error;
    }
  }
}

function connectionTo(url: string, credential: string | null): Connection {
  try {
    return new Connection({ url, credential });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new CliError('auth', 'unauthorized', cause.message, { hint: HINTS.unauthorized, cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Who may call a route. Paths of credentials stay apart: each route takes its kind, known by its prefix. */
import type { ApiKeyFound, Credentials, Scope } from '@weir/accounts';
import type { FastifyRequest } from 'fastify';
import type { TenantCredential } from '../admission/tenant-gate.js';
import { bearerOf } from './bearer.js';
import { Problem } from './problem.js';

/** Checks the credentials of requests. */
export class Authorizer {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Lets the installation's operator pass. */
  operator(request: FastifyRequest): void {
    const given = bearerOf(request.raw);
    if (given === null || !this.#credentials.isOperatorKey(given)) {
      throw unauthorized('send the operator key: "Authorization: Bearer weir_ops_…" (WEIR_OPERATOR_KEY)');
    }
  }

  /** The API key of a request for the project in its path; another project's is as unknown as none at all. */
  async apiKey(request: FastifyRequest, projectId: string, scope: Scope): Promise<ApiKeyFound> {
    const found = await this.anyApiKey(request);
    if (found.projectId !== projectId.toLowerCase()) throw new Problem(404, 'not_found', 'no such project');
    if (!found.scopes.includes(scope)) {
      throw new Problem(403, 'insufficient_scope', `the API key lacks the scope "${scope}"`);
    }
    return found;
  }

  /** The API key of a request, whatever its project and scopes. */
  async anyApiKey(request: FastifyRequest): Promise<ApiKeyFound> {
    const given = bearerOf(request.raw);
    const found = given?.startsWith('weir_sec_') ? await this.#credentials.lookupApiKey(given) : null;
    if (found === null) throw unauthorized('send an API key: "Authorization: Bearer weir_sec_…"');
    return found;
  }

  /** The ingest token or API key of a request, whatever its project. */
  async tokenOrKey(request: FastifyRequest): Promise<TenantCredential> {
    const given = bearerOf(request.raw);
    if (given?.startsWith('weir_pub_')) {
      const token = await this.#credentials.lookupIngestToken(given);
      if (token !== null) return token;
    } else if (given?.startsWith('weir_sec_')) {
      const key = await this.#credentials.lookupApiKey(given);
      if (key !== null) return { projectId: key.projectId, tokenId: key.keyId };
    }
    throw unauthorized('send the ingest token or an API key of the project');
  }
}

function unauthorized(hint: string): Problem {
  return new Problem(401, 'unauthorized', 'no valid credential', {
    hint,
    headers: { 'www-authenticate': 'Bearer realm="weir"' },
  });
}

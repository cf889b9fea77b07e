/** Authorises calls of routes. Each route accepts specific kinds of credentials, which differ by prefix. */
import type { ApiKeyFound, Credentials, Scope } from '@weir/accounts';
import { SYSTEM_TENANT } from '@weir/usage';
import type { FastifyRequest } from 'fastify';
import type { TenantCredential } from '../admission/tenant-gate.js';
import { usageOf } from '../usage/request-usage.js';
import { bearerOf } from './bearer.js';
import { wrongKind } from './credential-kind.js';
import { Problem } from './problem.js';

/** The credential id of the operator key in usage records. */
const OPERATOR = 'operator';

/** Checks the credentials of requests. */
export class Authorizer {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Admits the operator of the installation. */
  operator(request: FastifyRequest): void {
    const given = bearerOf(request.raw);
    if (given === null || !this.#credentials.isOperatorKey(given)) {
      throw unauthorized(
        'send the operator key: "Authorization: Bearer weir_ops_…" (WEIR_OPERATOR_KEY)',
        wrongKind(given, 'the operator key (weir_ops_…)', NO_CREDENTIAL),
      );
    }
    usageOf(request.raw)?.identify(SYSTEM_TENANT, OPERATOR);
  }

  /**
   * The API key of a request for the project in its path. A key of another project is answered like an unknown one.
   * @param projectId null for any
   * @param given the key, if it is not the bearer credential of the request
   */
  async apiKey(
    request: FastifyRequest,
    projectId: string | null,
    scope: Scope,
    given = bearerOf(request.raw),
  ): Promise<ApiKeyFound> {
    const found = await this.anyApiKey(request, given);
    if (projectId !== null && found.projectId !== projectId.toLowerCase())
      throw new Problem('not_found', 'no such project');
    if (!found.scopes.includes(scope)) {
      throw new Problem('insufficient_scope', `the API key lacks the scope "${scope}"`);
    }
    return found;
  }

  /** The API key of a request, of any project and with any scopes. */
  async anyApiKey(request: FastifyRequest, given = bearerOf(request.raw)): Promise<ApiKeyFound> {
    const found = given?.startsWith('weir_sec_') ? await this.#credentials.lookupApiKey(given) : null;
    if (found === null) {
      throw unauthorized(
        'send an API key: "Authorization: Bearer weir_sec_…"',
        wrongKind(given, 'an API key (weir_sec_…)', NO_CREDENTIAL),
      );
    }
    usageOf(request.raw)?.identify(found.projectId, found.keyId);
    return found;
  }

  /** The ingest token or API key of a request, of any project. */
  async tokenOrKey(request: FastifyRequest): Promise<TenantCredential> {
    const found = await this.#tokenOrKey(request);
    if (found === null) {
      throw unauthorized(
        'send the ingest token or an API key of the project',
        wrongKind(
          bearerOf(request.raw),
          'an ingest token (weir_pub_…) or an API key (weir_sec_…)',
          NO_CREDENTIAL,
        ),
      );
    }
    usageOf(request.raw)?.identify(found.projectId, found.tokenId);
    return found;
  }

  async #tokenOrKey(request: FastifyRequest): Promise<TenantCredential | null> {
    const given = bearerOf(request.raw);
    if (given?.startsWith('weir_pub_')) {
      return await this.#credentials.lookupIngestToken(given);
    }
    if (!given?.startsWith('weir_sec_')) return null;
    const key = await this.#credentials.lookupApiKey(given);
    return key === null ? null : { projectId: key.projectId, tokenId: key.keyId };
  }
}

const NO_CREDENTIAL = 'no valid credential';

function unauthorized(hint: string, detail: string): Problem {
  return new Problem('unauthorized', detail, {
    hint,
    headers: { 'www-authenticate': 'Bearer realm="weir"' },
  });
}

/** Who may use the analysis surfaces: a credential that sees the project, then the admission gate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { usageOf } from '../usage/request-usage.js';

/** Lets requests to the analysis surfaces pass. */
export class AnalysisAccess {
  readonly #authorizer: Authorizer;
  readonly #gate: TenantGate;

  constructor(authorizer: Authorizer, gate: TenantGate) {
    this.#authorizer = authorizer;
    this.#gate = gate;
  }

  /**
   * The id of the project in a request's path.
   * @throws Problem 401, 404, 403 `insufficient_scope`, and what the gate refuses with
   */
  async to(request: FastifyRequest, reply: FastifyReply, project: string): Promise<string> {
    const { projectId, keyId: tokenId } = await this.#authorizer.apiKey(request, project, 'query');
    await this.#gate.admit(request.raw, reply.raw, 'query', { projectId, tokenId });
    // Opened while the engine works, it costs the answer no time.
    void usageOf(request.raw)?.open();
    return projectId;
  }
}

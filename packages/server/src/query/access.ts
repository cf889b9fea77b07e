/** Authorises the analysis routes: first the credential for the project, then the admission gate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { usageOf } from '../usage/request-usage.js';

/** Authorises requests of the analysis routes. */
export class AnalysisAccess {
  readonly #authorizer: Authorizer;
  readonly #gate: TenantGate;

  constructor(authorizer: Authorizer, gate: TenantGate) {
    this.#authorizer = authorizer;
    this.#gate = gate;
  }

  /**
   * The id of the project in the path of a request.
   * @throws Problem 401, 404, 403 `insufficient_scope`, and refusals of the gate
   */
  async to(request: FastifyRequest, reply: FastifyReply, project: string): Promise<string> {
    const { projectId, keyId: tokenId } = await this.#authorizer.apiKey(request, project, 'query');
    await this.#gate.admit(request.raw, reply.raw, 'query', { projectId, tokenId });
    // The commit of the record overlaps with the engine's work, so it does not delay the answer.
    void usageOf(request.raw)?.open();
    return projectId;
  }
}

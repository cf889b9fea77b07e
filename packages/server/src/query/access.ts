/** Who may use the analysis surfaces: a credential that sees the project, then the host's consent. */
import type { Entitlement } from '@weir/extension';
import type { FastifyRequest } from 'fastify';
import type { Authorizer } from '../http/authorize.js';
import { Problem } from '../http/problem.js';
import type { SeamCaller } from '../seams/bounded.js';

const NOT_ENTITLED = 'this project may not be analysed now';

/** Lets requests to the analysis surfaces pass. */
export class AnalysisAccess {
  readonly #authorizer: Authorizer;
  readonly #entitlement: Entitlement;
  readonly #seams: SeamCaller;

  constructor(authorizer: Authorizer, entitlement: Entitlement, seams: SeamCaller) {
    this.#authorizer = authorizer;
    this.#entitlement = entitlement;
    this.#seams = seams;
  }

  /**
   * The id of the project in a request's path.
   * @throws Problem 401, 404, 403 `insufficient_scope`, 402 `payment_required`
   */
  async to(request: FastifyRequest, projectId: string): Promise<string> {
    const found = await this.#authorizer.apiKey(request, projectId, 'query');
    const refusal = await this.refusal(found.projectId);
    if (refusal !== null) throw new Problem(402, 'payment_required', refusal);
    return found.projectId;
  }

  /** Why the host does not let a project be analysed, for whoever asked; null where it does. */
  async refusal(projectId: string): Promise<string | null> {
    const decision = await this.#seams.ask('entitlement', (signal) =>
      this.#entitlement.allowAnalysis(projectId, signal),
    );
    if (decision.ok) return null;
    const reason = 'reason' in decision ? decision.reason : undefined;
    return reason === undefined || reason === '' ? NOT_ENTITLED : reason;
  }
}

import type { Entitlement } from '@weir/extension';
import type { SeamCaller } from '../seams/bounded.js';
import type { BeforeCall } from './tool-calls.js';

const DEFAULT_REASON = 'the project is not entitled to analysis now';

/** Asks the Entitlement before each tool call; a refusal is `payment_required` with its reason. */
export function entitled(entitlement: Entitlement, seams: SeamCaller): BeforeCall {
  return async ({ projectId }) => {
    const decision = await seams.ask('entitlement', (signal) => entitlement.allowAnalysis(projectId, signal));
    if (decision.ok) return null;
    const reason = 'reason' in decision ? decision.reason : undefined;
    return { code: 'payment_required', message: reason || DEFAULT_REASON };
  };
}

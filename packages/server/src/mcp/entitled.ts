import type { BeforeCall } from './tool-calls.js';

/** Knows why the host does not let a project be analysed; null where it does. */
export interface AnalysisConsent {
  refusal(projectId: string): Promise<string | null>;
}

/** Asks the host before each tool call; a refusal is `payment_required` with its reason. */
export function entitled(consent: AnalysisConsent): BeforeCall {
  return async ({ projectId }) => {
    const reason = await consent.refusal(projectId);
    return reason === null ? null : { code: 'payment_required', message: reason };
  };
}

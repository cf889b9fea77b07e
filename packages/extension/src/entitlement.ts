/** Whether a project may use the analysis surfaces now, with a short reason for a refusal. */
export interface EntitlementDecision {
  readonly ok: boolean;
  /** A sentence for the refused client; absent or empty means the server's default text. */
  readonly reason?: string;
}

/**
 * Decides about reads of events (query, schema, MCP tool calls, playground, events of the feed and of its groups) as
 * the last step of admission, once the project is known; again every few seconds while a stream of events is open.
 * Ingest is never gated: a host can keep accepting a tenant's events while refusing analysis until payment.
 *
 * Must be safe for concurrent use, must not throw, and should decide within a few milliseconds: an answer later than 50
 * ms counts as a failure of the seam (`WEIR_SEAM_FAILURE`).
 */
export interface Entitlement {
  allowAnalysis(projectId: string, signal: AbortSignal): EntitlementDecision | Promise<EntitlementDecision>;
}

/** Every project may analyse. The default. */
export class Unlimited implements Entitlement {
  allowAnalysis(): EntitlementDecision {
    return { ok: true };
  }
}

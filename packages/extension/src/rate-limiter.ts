/** Where a request came in. */
export type Surface = 'ingest' | 'query' | 'mcp' | 'web' | 'feed' | 'process' | 'channel' | 'admin';

/** What is being limited. A field is the empty string where identity is not known yet. */
export interface LimitKey {
  readonly surface: Surface;
  /** The tenant. */
  readonly projectId: string;
  /** A signed-in person; empty for ingest and API keys. */
  readonly userId: string;
  /** The credential's id, never its secret. */
  readonly tokenId: string;
  /** The client's address; behind a proxy only as `WEIR_TRUST_PROXY` allows. */
  readonly remoteIp: string;
}

/** Whether a request may proceed now. */
export interface LimitDecision {
  readonly ok: boolean;
  /** When to try again, in milliseconds; sent as Retry-After in whole seconds, left out when 0 or absent. */
  readonly retryAfterMs?: number;
}

/**
 * Consulted once a request on every surface, and over MCP once a tool call, after suspension and before the tenant's own
 * limits; what it counts for a request that those then refuse stays counted. Must be safe for concurrent use, must not throw, and should decide within a few
 * milliseconds: an answer later than 50 ms counts as a failure of the seam (`WEIR_SEAM_FAILURE`).
 */
export interface RateLimiter {
  allow(key: LimitKey, signal: AbortSignal): LimitDecision | Promise<LimitDecision>;
}

/** Every request may proceed. The default. */
export class AllowAll implements RateLimiter {
  allow(): LimitDecision {
    return { ok: true };
  }
}

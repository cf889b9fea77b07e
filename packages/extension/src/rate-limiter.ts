/** The surface of a request. */
export type Surface = 'ingest' | 'query' | 'mcp' | 'web' | 'feed' | 'process' | 'channel' | 'admin';

/** The identity of a request. A field is the empty string if it is not known yet. */
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
  /** When to retry, milliseconds; sent as Retry-After in whole seconds, omitted when 0 or absent. */
  readonly retryAfterMs?: number;
}

/**
 * Called once for each request on every surface, and over MCP once for each tool call, after suspension and before the
 * tenant's own limits. A request that those limits then refuse stays counted here. Must be safe for concurrent use,
 * must not throw, and should decide within a few milliseconds: an answer later than 50 ms counts as a failure of the
 * seam (`WEIR_SEAM_FAILURE`).
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

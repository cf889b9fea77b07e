/**
 * Which pages may use the MCP endpoint. A page that rebinds its own name to this server's address sends its own Origin,
 * so an unknown Origin is rejected before any other check (MCP specification, Streamable HTTP, security). Clients other
 * than browsers send no Origin.
 */

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
/** Wildcard addresses: the server is also reachable under the names of this machine. */
const EVERYWHERE = /^(0\.0\.0\.0|\[::\])$/;

/** The allowed origins. */
export class PageOrigins {
  readonly #publicUrl: () => string;
  readonly #allowed: ReadonlySet<string>;

  /**
   * @param publicUrl the URL of the server, whose origin is allowed; if it is on loopback, every loopback origin is
   * @param allowed further origins, such as `https://app.example`
   */
  constructor(publicUrl: () => string, allowed: readonly string[] = []) {
    this.#publicUrl = publicUrl;
    this.#allowed = new Set(allowed.map((origin) => origin.trim().toLowerCase()));
  }

  /** @param origin an Origin header */
  allows(origin: string): boolean {
    const given = originOf(origin);
    if (given === null) return false;
    const own = new URL(this.#publicUrl());
    if (given.origin === own.origin || this.#allowed.has(given.origin)) return true;
    const isLocal = LOOPBACK.test(own.hostname) || EVERYWHERE.test(own.hostname);
    return isLocal && LOOPBACK.test(given.hostname);
  }
}

/** An http or https origin; null for `null`, opaque origins and invalid URLs. */
function originOf(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null;
}

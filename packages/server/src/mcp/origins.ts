/**
 * Which pages may talk to the MCP endpoint. A page that rebinds its own name to this server's address sends its own
 * Origin, so an Origin that is not known is refused before anything is looked at (MCP specification, Streamable HTTP,
 * security). Clients that are no browsers send none.
 */

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
/** Hosts of a server that listens everywhere: it is reached under this machine's own names too. */
const EVERYWHERE = /^(0\.0\.0\.0|\[::\])$/;

/** Origins that may. */
export class PageOrigins {
  readonly #publicUrl: () => string;
  readonly #allowed: ReadonlySet<string>;

  /**
   * @param publicUrl the server's own URL: its origin may, and for one on loopback every loopback origin
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

/** An http or https origin; null for `null`, opaque ones and what is no URL. */
function originOf(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null;
}

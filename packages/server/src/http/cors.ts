/**
 * The cross-origin rules of a route: which pages may send requests and read the answers
 * (https://fetch.spec.whatwg.org/#http-cors-protocol).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Options of {@link CrossOrigin}. */
export interface CrossOriginOptions {
  /** Methods of the route, as in `POST, OPTIONS`. */
  readonly methods: string;
  /**
   * Whether pages may send with credentials, as `sendBeacon` always does. Only for routes that ignore cookies:
   * otherwise any allowed page could act for the owner of the cookie. Default false.
   */
  readonly credentials?: boolean;
  /** Answer headers that pages may read, besides those of every route. */
  readonly exposed?: readonly string[];
}

const EXPOSED = ['x-request-id', 'retry-after', 'www-authenticate'];

/** The rules of one or several routes. */
export class CrossOrigin {
  readonly #allows: (origin: string) => boolean;
  readonly #options: CrossOriginOptions;
  readonly #exposed: string;

  /** @param allows whether pages of an origin may send */
  constructor(allows: (origin: string) => boolean, options: CrossOriginOptions) {
    this.#allows = allows;
    this.#options = options;
    this.#exposed = [...EXPOSED, ...(options.exposed ?? [])].join(', ');
  }

  /** Whether pages of this origin may send. */
  allows(origin: string): boolean {
    return this.#allows(origin);
  }

  /** Answers a preflight, before any credential is checked. */
  preflight(request: IncomingMessage, response: ServerResponse): void {
    this.mark(request, response);
    response.writeHead(204, this.preflightHeaders(request));
    response.end();
  }

  /** The headers of a preflight answer besides those of {@link mark}. Its status is 204. */
  preflightHeaders(request: IncomingMessage): Record<string, string> {
    const { methods } = this.#options;
    return {
      allow: methods,
      'access-control-allow-methods': methods,
      'access-control-allow-headers':
        request.headers['access-control-request-headers'] ?? 'authorization, content-type',
      'access-control-max-age': '86400',
    };
  }

  /** Sets the headers that an actual request needs. */
  mark(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !this.#allows(origin)) return;
    // Never `*`: browsers reject it for requests with credentials.
    response.setHeader('access-control-allow-origin', origin);
    if (this.#options.credentials === true) response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('access-control-expose-headers', this.#exposed);
  }
}

/** Origins of `WEIR_ALLOWED_ORIGINS`. */
export class OriginList {
  readonly #all: boolean;
  readonly #origins: ReadonlySet<string>;

  /** @param list comma-separated origins, or `*` */
  constructor(list: string) {
    const origins = list.split(',').map((origin) => origin.trim().toLowerCase());
    this.#all = origins.includes('*');
    this.#origins = new Set(origins.filter((origin) => origin !== '*' && origin !== ''));
  }

  /** The listed origins. */
  get named(): readonly string[] {
    return [...this.#origins];
  }

  /** Whether pages of this origin may send events. */
  allows(origin: string): boolean {
    return this.#all || this.names(origin);
  }

  /** Whether this origin is listed: for routes that return project data, `*` does not suffice. */
  names(origin: string): boolean {
    return this.#origins.has(origin.toLowerCase());
  }
}

/** Cross-origin rules of the ingest route: browsers send events from any page an installation or a token allows. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Origins that may send; `*` is all. */
export class OriginPolicy {
  readonly #all: boolean;
  readonly #origins: ReadonlySet<string>;

  /** @param list comma-separated origins, or `*` */
  constructor(list: string) {
    const origins = list.split(',').map((origin) => origin.trim().toLowerCase());
    this.#all = origins.includes('*');
    this.#origins = new Set(origins);
  }

  /** Whether pages of this origin may send. */
  allows(origin: string): boolean {
    return this.#all || this.#origins.has(origin.toLowerCase());
  }

  /** Answers a preflight; before any credential is looked at. */
  preflight(request: IncomingMessage, response: ServerResponse): void {
    this.mark(request, response);
    response.writeHead(204, {
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers':
        request.headers['access-control-request-headers'] ?? 'authorization, content-type',
      'access-control-max-age': '86400',
    });
    response.end();
  }

  /** Sets the headers an actual request needs. */
  mark(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !this.allows(origin)) return;
    response.setHeader('access-control-allow-origin', this.#all ? '*' : origin);
    response.setHeader('access-control-expose-headers', 'x-request-id, retry-after');
  }
}

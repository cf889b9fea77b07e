import type { Surface } from '@weir/extension';
import type { CrossOrigin } from './cors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The route's surface in usage records and metrics; null for probes and similar routes. Every route declares it.
     */
    readonly surface?: Surface | null;
    /** Which pages may call the route. Default none. */
    readonly crossOrigin?: CrossOrigin;
  }
}

/** The options by which a route declares its surface. */
export interface RouteSurface {
  readonly config: { readonly surface: Surface | null; readonly crossOrigin?: CrossOrigin };
}

/**
 * Declares the surface of a route: `web.get(path, surface('feed'), handler)`.
 * @param name null for probes and similar routes, which are not billed to a tenant
 * @param crossOrigin which pages may call the route; default none
 */
export function surface(name: Surface | null, crossOrigin?: CrossOrigin): RouteSurface {
  return { config: crossOrigin === undefined ? { surface: name } : { surface: name, crossOrigin } };
}

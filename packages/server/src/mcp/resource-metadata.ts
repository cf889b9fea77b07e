/** Tells a client how to authenticate: protected-resource metadata (RFC 9728) and the challenges that refer to it. */

import type { Scope } from '@weir/accounts';
import type { FastifyInstance } from 'fastify';
import { surface } from '../http/surface.js';

/** The scopes that a caller of the endpoint needs, all of them. */
export const MCP_SCOPES = ['query'] as const satisfies readonly Scope[];

const PATH = '/.well-known/oauth-protected-resource/mcp';

/** Adds the route of the document; it needs no credential. */
export function resourceMetadataRoute(web: FastifyInstance, publicUrl: () => string): void {
  web.get(PATH, surface(null), () => ({
    resource: `${publicUrl()}/mcp`,
    resource_name: 'Weir',
    bearer_methods_supported: ['header'],
    scopes_supported: MCP_SCOPES,
  }));
}

/** The error of a challenge besides the address of the document. */
export type ChallengeError = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** A WWW-Authenticate header (RFC 6750 section 3, RFC 9728 section 5.1). */
export function challenge(publicUrl: string, error?: ChallengeError): Record<string, string> {
  const parts = [
    `resource_metadata="${publicUrl}${PATH}"`,
    `scope="${MCP_SCOPES.join(' ')}"`,
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  return { 'www-authenticate': `Bearer ${parts.join(', ')}` };
}

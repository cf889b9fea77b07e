import type { Credentials } from '@weir/accounts';
import type { TenantTable } from '@weir/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { bearerOf } from '../http/bearer.js';
import { Problem } from '../http/problem.js';
import type { PageOrigins } from '../mcp/origins.js';

/** The user of a channel. */
export interface ChannelUser {
  readonly projectId: string;
  /** The id of the API key. */
  readonly keyId: string;
  /** The API key itself. */
  readonly key: string;
}

/** Dependencies of {@link ChannelAccess}. */
export interface ChannelAccessParts {
  readonly authorizer: Authorizer;
  readonly credentials: Credentials;
  readonly gate: TenantGate;
  readonly tenants: TenantTable;
  /** The origins whose pages may use channels. */
  readonly origins: PageOrigins;
}

/**
 * Authorises users for the channels of a project, and rechecks their right. Each process checks its own participants.
 */
export class ChannelAccess {
  readonly #parts: ChannelAccessParts;

  constructor(parts: ChannelAccessParts) {
    this.#parts = parts;
  }

  /**
   * Authorises a request.
   * @throws Problem 401, 402, 403, 429 or 503
   */
  async enter(request: FastifyRequest, reply: FastifyReply): Promise<ChannelUser> {
    const { authorizer, gate, origins } = this.#parts;
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (!origins.allows(origin)) {
        throw new Problem('origin_not_allowed', 'pages of this origin may not use channels', {
          hint: 'use channels from your server, which keeps the API key',
        });
      }
      reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    }
    const { projectId, keyId } = await authorizer.apiKey(request, null, 'channel');
    await gate.admit(request.raw, reply.raw, 'channel', { projectId, tokenId: keyId });
    // The cast holds: the lookup used this credential.
    return { projectId, keyId, key: bearerOf(request.raw) as string };
  }

  /** Whether a user would still be admitted: the key is not revoked, and the project is not suspended. */
  async isStillAllowed({ key, projectId }: ChannelUser): Promise<boolean> {
    const { credentials, tenants } = this.#parts;
    if ((tenants.find(projectId)?.refusal ?? null) !== null) return false;
    try {
      return (await credentials.lookupApiKey(key))?.scopes.includes('channel') ?? false;
    } catch {
      // While PostgreSQL is unavailable the right cannot be checked; keep the connection.
      return true;
    }
  }
}

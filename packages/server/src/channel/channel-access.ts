import type { Credentials } from '@weir/accounts';
import type { TenantTable } from '@weir/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { bearerOf } from '../http/bearer.js';
import { Problem } from '../http/problem.js';
import type { PageOrigins } from '../mcp/origins.js';

/** Who talks on channels. */
export interface ChannelUser {
  readonly projectId: string;
  /** Of the API key. */
  readonly keyId: string;
  /** The API key itself. */
  readonly key: string;
}

/** What {@link ChannelAccess} works with. */
export interface ChannelAccessParts {
  readonly authorizer: Authorizer;
  readonly credentials: Credentials;
  readonly gate: TenantGate;
  readonly tenants: TenantTable;
  /** Whose pages may. */
  readonly origins: PageOrigins;
}

/** Who may come to the channels of a project, and for how long. Which of them is asked for each process. */
export class ChannelAccess {
  readonly #parts: ChannelAccessParts;

  constructor(parts: ChannelAccessParts) {
    this.#parts = parts;
  }

  /**
   * Lets a request pass.
   * @throws Problem 401, 402, 403, 429 or 503
   */
  async enter(request: FastifyRequest, reply: FastifyReply): Promise<ChannelUser> {
    const { authorizer, gate, origins } = this.#parts;
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (!origins.allows(origin)) {
        throw new Problem('origin_not_allowed', 'pages of this origin may not use channels', {
          hint: 'talk to channels from a server of yours, which keeps the API key',
        });
      }
      reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    }
    const { projectId, keyId } = await authorizer.apiKey(request, null, 'channel');
    await gate.admit(request.raw, reply.raw, 'channel', { projectId, tokenId: keyId });
    // The cast holds: what was found was looked up by it.
    return { projectId, keyId, key: bearerOf(request.raw) as string };
  }

  /** Whether a user might enter now as well: the key is not revoked, and its project not suspended. */
  async isStillAllowed({ key, projectId }: ChannelUser): Promise<boolean> {
    const { credentials, tenants } = this.#parts;
    if ((tenants.find(projectId)?.refusal ?? null) !== null) return false;
    try {
      return (await credentials.lookupApiKey(key))?.scopes.includes('channel') ?? false;
    } catch {
      // Nobody can say while PostgreSQL is away.
      return true;
    }
  }
}

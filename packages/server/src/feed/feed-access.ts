import type { Credentials } from '@weir/accounts';
import type { WeirError } from '@weir/base';
import type { FeedKind } from '@weir/feed';
import type { TenantTable } from '@weir/usage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantGate } from '../admission/tenant-gate.js';
import type { Authorizer } from '../http/authorize.js';
import { bearerOf } from '../http/bearer.js';
import { Problem } from '../http/problem.js';
import type { PageOrigins } from '../mcp/origins.js';
import { MAX_TICKETS, TICKET_MS, Tickets } from './tickets.js';

/** The client of a feed request. */
export interface FeedCaller {
  readonly projectId: string;
  /** The id of the API key. */
  readonly keyId: string;
  /** The API key itself. */
  readonly key: string;
}

/** Dependencies of {@link FeedAccess}. */
export interface FeedAccessParts {
  readonly authorizer: Authorizer;
  readonly credentials: Credentials;
  readonly gate: TenantGate;
  readonly tenants: TenantTable;
  /** The origins whose pages may follow the feed. */
  readonly origins: PageOrigins;
}

/** Authorises followers of the feed, by an API key or a ticket, and rechecks their right. */
export class FeedAccess {
  readonly #tickets = new Tickets();
  readonly #parts: FeedAccessParts;

  constructor(parts: FeedAccessParts) {
    this.#parts = parts;
  }

  /**
   * Authorises a request.
   * @param projectId the requested project; null for that of the API key
   * @param stream returns the requested stream; called once the credential is known
   * @throws Problem 401, 402, 403, 404, 429 or 503
   */
  async enter(
    request: FastifyRequest,
    reply: FastifyReply,
    projectId: string | null,
    stream?: () => FeedKind,
  ): Promise<FeedCaller> {
    const { authorizer, gate } = this.#parts;
    this.#admitPage(request, reply);
    const key = bearerOf(request.raw) ?? this.#keyOfTicket(request);
    const found = await authorizer.apiKey(request, projectId, 'feed', key);
    // The cast holds: the lookup used this credential.
    const caller = { projectId: found.projectId, keyId: found.keyId, key: key as string };
    const credential = { projectId: found.projectId, tokenId: found.keyId };
    await gate.admit(request.raw, reply.raw, 'feed', credential, stream?.() === 'events');
    return caller;
  }

  /**
   * Issues a ticket for the API key of a request. A ticket cannot buy another ticket: successors would extend it
   * forever.
   * @throws Problem as {@link enter}, and 429 `too_many_tickets`
   */
  async issueTicket(request: FastifyRequest, reply: FastifyReply, projectId: string): Promise<string> {
    const { authorizer, gate } = this.#parts;
    this.#admitPage(request, reply);
    const found = await authorizer.apiKey(request, projectId, 'feed');
    await gate.admit(request.raw, reply.raw, 'feed', { projectId: found.projectId, tokenId: found.keyId });
    // The cast holds: the lookup used this credential.
    const ticket = this.#tickets.issue(found.projectId, bearerOf(request.raw) as string);
    if (ticket === null) {
      throw new Problem('too_many_tickets', `the project has ${MAX_TICKETS} unused tickets`, {
        limit: MAX_TICKETS,
        retryAfterMs: TICKET_MS,
        hint: 'request a ticket when a page connects, not before',
      });
    }
    return ticket;
  }

  /**
   * Why the host does not permit a stream now; null if it does. Events need the entitlement to analyse, other streams
   * do not.
   */
  async refusalOf(stream: FeedKind, projectId: string): Promise<WeirError | null> {
    return stream === 'events' ? await this.#parts.gate.analysisRefusal(projectId) : null;
  }

  /**
   * Whether a caller would still be admitted: the key is not revoked, and the project is not suspended.
   * @param stream the stream that is read, if only one: for events the entitlement to analyse is checked too
   */
  async isStillAllowed({ key, projectId }: FeedCaller, stream?: FeedKind): Promise<boolean> {
    const { credentials, tenants } = this.#parts;
    if (stream !== undefined && (await this.refusalOf(stream, projectId)) !== null) return false;
    if ((tenants.find(projectId)?.refusal ?? null) !== null) return false;
    try {
      return (await credentials.lookupApiKey(key))?.scopes.includes('feed') ?? false;
    } catch {
      // While PostgreSQL is unavailable the right cannot be checked; keep the connection.
      return true;
    }
  }

  /** Rejects pages of other origins; marks the answer as readable for allowed ones. */
  #admitPage(request: FastifyRequest, reply: FastifyReply): void {
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (!this.#parts.origins.allows(origin)) {
      throw new Problem('origin_not_allowed', 'pages of this origin may not follow the feed');
    }
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
  }

  #keyOfTicket({ query }: FastifyRequest): string | null {
    // The cast holds: a query is an object.
    const { ticket } = query as { ticket?: unknown };
    if (typeof ticket !== 'string') return null;
    const key = this.#tickets.redeem(ticket);
    if (key === null) {
      throw new Problem('unauthorized', 'the ticket is unknown, used, or older than a minute', {
        hint: 'request another: POST /api/v1/projects/{id}/feed/ticket',
      });
    }
    return key;
  }
}

import { randomBytes } from 'node:crypto';

/** Lifetime of a ticket, milliseconds. */
export const TICKET_MS = 60_000;
/** Maximum unused tickets of a project. */
export const MAX_TICKETS = 1_000;

interface Issued {
  readonly projectId: string;
  readonly key: string;
  readonly until: number;
}

/**
 * Tickets, each valid once within a minute in place of an API key: browsers cannot set headers on WebSockets and event
 * sources, and a URL must not contain a key. Tickets are kept only in the memory of this process.
 */
export class Tickets {
  /** In order of expiry. */
  readonly #issued = new Map<string, Issued>();
  readonly #ofProject = new Map<string, number>();
  readonly #now: () => number;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Issues a ticket for an API key; null if the project already has {@link MAX_TICKETS}. */
  issue(projectId: string, key: string): string | null {
    this.#forgetExpired();
    const count = this.#ofProject.get(projectId) ?? 0;
    if (count >= MAX_TICKETS) return null;
    const ticket = `weir_tkt_${randomBytes(32).toString('base64url')}`;
    this.#issued.set(ticket, { projectId, key, until: this.#now() + TICKET_MS });
    this.#ofProject.set(projectId, count + 1);
    return ticket;
  }

  /** The API key of a ticket; null if the ticket is unknown, used or expired. */
  redeem(ticket: string): string | null {
    this.#forgetExpired();
    return this.#take(ticket)?.key ?? null;
  }

  #take(ticket: string): Issued | undefined {
    const issued = this.#issued.get(ticket);
    if (issued === undefined) return undefined;
    this.#issued.delete(ticket);
    const left = (this.#ofProject.get(issued.projectId) ?? 1) - 1;
    if (left === 0) this.#ofProject.delete(issued.projectId);
    else this.#ofProject.set(issued.projectId, left);
    return issued;
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (const [ticket, { until }] of this.#issued) {
      if (until > now) return;
      this.#take(ticket);
    }
  }
}

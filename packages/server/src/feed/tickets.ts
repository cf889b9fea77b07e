import { randomBytes } from 'node:crypto';

/** How long a ticket is good, milliseconds. */
export const TICKET_MS = 60_000;
/** Tickets a project may have that were not used yet. */
export const MAX_TICKETS = 1_000;

interface Issued {
  readonly projectId: string;
  readonly key: string;
  readonly until: number;
}

/**
 * Tickets that stand for an API key once, for a minute: browsers can give WebSockets and event sources no header, and a
 * URL is no place for a key. They are in this process's memory alone.
 */
export class Tickets {
  /** In the order in which they expire. */
  readonly #issued = new Map<string, Issued>();
  readonly #ofProject = new Map<string, number>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A ticket for an API key; null where the project has {@link MAX_TICKETS}. */
  issue(projectId: string, key: string): string | null {
    this.#forgetExpired();
    const count = this.#ofProject.get(projectId) ?? 0;
    if (count >= MAX_TICKETS) return null;
    const ticket = `weir_tkt_${randomBytes(32).toString('base64url')}`;
    this.#issued.set(ticket, { projectId, key, until: this.#now() + TICKET_MS });
    this.#ofProject.set(projectId, count + 1);
    return ticket;
  }

  /** The API key a ticket stands for; null where it is none, was used, or is too old. */
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

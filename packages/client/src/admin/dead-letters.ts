import type { Connection } from '../http/connection.js';
import { countOf, documentOf, documentsOf, wireOf } from '../http/document.js';

/** `active`: the server tries again by itself; `quarantined`: ClickHouse refuses the events, and an operator decides. */
export type DeadLetterState = 'active' | 'quarantined';

/** Which letters; all members apply together. */
export interface DeadLetterFilter {
  readonly id?: string;
  /** For the operator. */
  readonly projectId?: string;
  readonly reason?: string;
  readonly state?: DeadLetterState;
}

/** Letters to act on: at least one member, or `all`. */
export type DeadLetterChoice = DeadLetterFilter & { readonly all?: true };

/** Counts of dead letters. */
export interface DeadLetterOverview {
  readonly depth: number;
  readonly quarantined: number;
  /** RFC 3339; null where there is no letter. */
  readonly oldest: string | null;
  readonly reasons: readonly {
    readonly reason: string;
    readonly state: DeadLetterState;
    readonly letters: number;
    readonly events: number;
  }[];
}

/** Events of one batch that could not be stored. */
export interface DeadLetter {
  readonly id: string;
  readonly projectId: string;
  readonly state: DeadLetterState;
  readonly reason: string;
  /** The error of ClickHouse. It may quote an event, so only the project sees it. */
  readonly lastError?: string;
  readonly eventCount: number;
  readonly attemptCount: number;
  readonly createdAt: string;
  readonly nextAttemptAt: string | null;
  /** From `get` with a key of the project. */
  readonly events?: readonly Readonly<Record<string, unknown>>[];
}

/** Letters of one request of {@link DeadLetters.list}. */
const PAGE = 1_000;

/** Dead letters: of all projects for the operator, of one project for its `admin` keys. */
export class DeadLetters {
  readonly #connection: Connection;
  readonly #path: () => Promise<string>;

  constructor(connection: Connection, path: () => Promise<string>) {
    this.#connection = connection;
    this.#path = path;
  }

  /** Depth, age and reasons. */
  async overview(filter: DeadLetterFilter = {}): Promise<DeadLetterOverview> {
    const answer = await this.#connection.json({ path: await this.#path(), query: queryOf(filter) });
    return documentOf<DeadLetterOverview>(answer);
  }

  /** Letters, the oldest first, in pages that are requested as they are needed. */
  async *list(filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const path = `${await this.#path()}/letters`;
      const query = { ...queryOf(filter), limit: PAGE, after };
      const letters = documentsOf<DeadLetter>(await this.#connection.json({ path, query }), 'letters');
      yield* letters;
      if (letters.length < PAGE) return;
      after = letters.at(-1)?.id;
    }
  }

  /** One letter. @throws WeirError `not_found` */
  async get(id: string): Promise<DeadLetter> {
    const path = `${await this.#path()}/letters/${encodeURIComponent(id)}`;
    return documentOf<DeadLetter>(await this.#connection.json({ path }));
  }

  /** Has the server try letters again now. @returns how many */
  async retry(choice: DeadLetterChoice): Promise<number> {
    return countOf(await this.#post('retry', choice), 'retried');
  }

  /** Drops letters with their events for good. @returns how many */
  async purge(choice: DeadLetterChoice): Promise<number> {
    return countOf(await this.#post('purge', choice), 'purged');
  }

  async #post(what: string, choice: DeadLetterChoice): Promise<unknown> {
    const path = `${await this.#path()}/${what}`;
    return await this.#connection.json({ method: 'POST', path, body: wireOf(choice) });
  }
}

function queryOf({ id, projectId, reason, state }: DeadLetterFilter) {
  return { id, project_id: projectId, reason, state };
}

/** Dead letters of a project, with their events for its admin key, or of the installation for its operator. */
import { z } from 'zod';
import { ApiClient } from '../api/client.js';
import { requireOperatorKey } from '../connection/connection.js';
import type { Invocation } from '../invocation.js';
import { storedEvent } from './exported-event.js';

const state = z.enum(['active', 'quarantined']);

const letter = z.looseObject({
  id: z.string(),
  project_id: z.string(),
  state,
  reason: z.string(),
  last_error: z.string().optional(),
  event_count: z.number(),
  attempt_count: z.number(),
  created_at: z.string(),
  next_attempt_at: z.string().nullable(),
});
const letterWithEvents = letter.extend({ events: z.array(storedEvent).optional() });
const overview = z.object({
  depth: z.number(),
  quarantined: z.number(),
  oldest: z.string().nullable(),
  reasons: z.array(z.object({ reason: z.string(), state, letters: z.number(), events: z.number() })),
});
const letterPage = z.object({ letters: z.array(letter) });
const retried = z.object({ retried: z.number() });
const purged = z.object({ purged: z.number() });

/** A batch that ClickHouse rejected. */
export type DeadLetter = z.output<typeof letter>;
/** A letter with its events, if the caller may read them. */
export type DeadLetterWithEvents = z.output<typeof letterWithEvents>;
/** Counts by reason. */
export type DlqOverview = z.output<typeof overview>;

/** Selects letters; all conditions must match. */
export interface LetterFilter {
  readonly id?: string | undefined;
  readonly project_id?: string | undefined;
  readonly reason?: string | undefined;
  readonly state?: string | undefined;
}

const PAGE = 1_000;

/** Access to dead letters. */
export class DeadLetters {
  readonly #api: ApiClient;
  readonly #path: string;
  /** Restricts an operator's requests to one project. */
  readonly #scope: LetterFilter;
  /** True if the caller may read the events. */
  readonly showsEvents: boolean;

  private constructor(api: ApiClient, path: string, scope: LetterFilter, showsEvents: boolean) {
    this.#api = api;
    this.#path = path;
    this.#scope = scope;
    this.showsEvents = showsEvents;
  }

  /**
   * Uses the project's API key if there is one, otherwise the operator key.
   * @param everywhere all projects; requires the operator key
   */
  static async open(invocation: Invocation, everywhere: boolean): Promise<DeadLetters> {
    const connection = await invocation.connection();
    const { server, project, key, operatorKey } = connection;
    if (!everywhere && project !== null && (key !== null || operatorKey === null)) {
      const { api, path } = await invocation.project();
      return new DeadLetters(api, `${path}/dlq`, {}, true);
    }
    const api = new ApiClient(server, requireOperatorKey(connection));
    const scope = everywhere || project === null ? {} : { project_id: project };
    return new DeadLetters(api, '/api/v1/admin/dlq', scope, false);
  }

  /** Depth, age and reasons. */
  async overview(filter: LetterFilter): Promise<DlqOverview> {
    return await this.#api.json(overview, { path: this.#path, query: { ...filter, ...this.#scope } });
  }

  /** Letters, oldest first. */
  async *list(filter: LetterFilter, limit = Number.POSITIVE_INFINITY): AsyncGenerator<DeadLetter> {
    let after: string | undefined;
    for (let left = limit; left > 0; ) {
      const size = Math.min(PAGE, left);
      const query = { ...filter, ...this.#scope, limit: String(size), after };
      const { letters } = await this.#api.json(letterPage, { path: `${this.#path}/letters`, query });
      yield* letters;
      if (letters.length < size) return;
      after = letters.at(-1)?.id;
      left -= letters.length;
    }
  }

  /** One letter. Throws CliError `not_found`. */
  async show(id: string): Promise<DeadLetterWithEvents> {
    return await this.#api.json(letterWithEvents, {
      path: `${this.#path}/letters/${encodeURIComponent(id)}`,
    });
  }

  /** Makes letters due now; returns their number. */
  async retry(selection: LetterFilter & { all?: true }): Promise<number> {
    return (await this.#api.json(retried, this.#post('retry', selection))).retried;
  }

  /** Deletes letters permanently; returns their number. */
  async purge(selection: LetterFilter & { all?: true }): Promise<number> {
    return (await this.#api.json(purged, this.#post('purge', selection))).purged;
  }

  #post(action: string, selection: object) {
    return {
      method: 'POST' as const,
      path: `${this.#path}/${action}`,
      body: { ...selection, ...this.#scope },
    };
  }
}

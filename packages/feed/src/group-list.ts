import type { Log } from '@weir/log';
import type { FeedKind } from './feed-kind.js';

/** The options of a group at its creation. */
export interface GroupDefinition {
  /** 1 to 64 letters, digits, `.`, `_` and `-`; unique in a project. */
  readonly name: string;
  readonly stream: FeedKind;
  /** Where it started: `latest`, `earliest`, a cursor or a time. */
  readonly from: string;
  /** The event names that it receives, sorted; null for all. */
  readonly event: readonly string[] | null;
  /** Whether undelivered items are retained longer for it. */
  readonly hold: boolean;
  /**
   * A description of the members' work, chosen by the client: a member with another task would take events from the
   * others.
   */
  readonly task?: string | null;
  /** RFC 3339. */
  readonly created_at: string;
}

type Groups = readonly GroupDefinition[];

/** The groups of each project: the last entry of a small stream is the list. */
export class GroupList {
  readonly #log: Log;
  readonly #known = new Map<string, Groups>();
  /** The change in progress of each project, which the next one awaits. */
  readonly #changing = new Map<string, Promise<unknown>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Groups of a project, oldest first. */
  async of(projectId: string): Promise<Groups> {
    const known = this.#known.get(projectId);
    if (known !== undefined) return known;
    const stream = streamOf(projectId);
    const { last } = await this.#log.stats(stream);
    const [entry] = last === 0 ? [] : await this.#log.read(stream, { after: last - 1 });
    // The cast holds: only `write` creates these entries.
    const groups = entry === undefined ? [] : (JSON.parse(Buffer.from(entry.data).toString()) as Groups);
    // Another call may have cached the list first, and changed it since.
    const first = this.#known.get(projectId) ?? groups;
    this.#known.set(projectId, first);
    return first;
  }

  /** Runs a project's changes one after another; `change` calls `write` with the new list. */
  change<T>(
    projectId: string,
    change: (groups: Groups, write: (groups: Groups) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const before = this.#changing.get(projectId) ?? Promise.resolve();
    const changed = before
      .catch(() => {})
      .then(async () => await change(await this.of(projectId), (groups) => this.#write(projectId, groups)))
      .finally(() => {
        if (this.#changing.get(projectId) === changed) this.#changing.delete(projectId);
      });
    this.#changing.set(projectId, changed);
    return changed;
  }

  async #write(projectId: string, groups: Groups): Promise<void> {
    const stream = streamOf(projectId);
    const { last } = await this.#log.append(stream, [Buffer.from(JSON.stringify(groups))]);
    this.#known.set(projectId, groups);
    await this.#log.trim(stream, last);
  }
}

function streamOf(projectId: string): string {
  return `groups:${projectId}`;
}

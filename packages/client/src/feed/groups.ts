import type { Connection } from '../http/connection.js';
import { documentOf, documentsOf, wireOf } from '../http/document.js';
import type { FeedStream } from './feed.js';
import { Group } from './group.js';

/** What a group is about. What is left out is the default for a new group, and as it is for one that exists. */
export interface GroupOptions {
  /** Where a new group begins: a cursor, `earliest`, `latest` (default) or a time in RFC 3339. */
  readonly from?: string;
  /** Only events of these names; default all. */
  readonly event?: readonly string[];
  /** Whether the feed keeps what the group needs, up to 7 days longer; default false. */
  readonly hold?: boolean;
  /** Default `events`. */
  readonly stream?: FeedStream;
  /** What its members do, in words of yours: members that name another task are refused. */
  readonly task?: string;
}

/** A group as it stands. */
export interface GroupStatus {
  readonly name: string;
  readonly stream: FeedStream;
  readonly from: string;
  /** Null for all names. */
  readonly event: readonly string[] | null;
  readonly hold: boolean;
  readonly task: string | null;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Items that are with a member, or come again. */
  readonly pending: number;
  /** Items that no member was given yet. */
  readonly lag: number;
  /** Items that were given up after five tries. */
  readonly dead: number;
  /** The cursor from which on the group needs the feed. */
  readonly oldestNeeded: string | null;
}

/** Where groups are. */
export interface GroupsPlace {
  readonly connection: Connection;
  readonly project: () => Promise<string>;
}

/** The groups of a project's feed: members of a group share its items, and each item is done at least once. */
export class Groups {
  readonly #place: GroupsPlace;

  constructor(place: GroupsPlace) {
    this.#place = place;
  }

  /**
   * Makes a group, or joins the one of this name.
   * @param name 1 to 64 letters, digits, `.`, `_` and `-`
   * @throws WeirError `group_exists` (with another option; `facts.errors` says which), `too_many_groups`
   */
  async create(name: string, options: GroupOptions = {}): Promise<Group> {
    const group = this.open(name);
    await this.#place.connection.json({ method: 'PUT', path: await group.path(), body: wireOf(options) });
    return group;
  }

  /** A group by its name, without a request: it must have been created. */
  open(name: string): Group {
    return new Group(this.#place, name);
  }

  /** All groups of the project. */
  async list(): Promise<GroupStatus[]> {
    const path = `/api/v1/projects/${encodeURIComponent(await this.#place.project())}/feed/groups`;
    return documentsOf<GroupStatus>(await this.#place.connection.json({ path }), 'groups');
  }

  /** A group as it stands. @throws WeirError `group_not_found` */
  async get(name: string): Promise<GroupStatus> {
    return documentOf<GroupStatus>(await this.#place.connection.json({ path: await this.open(name).path() }));
  }

  /** Deletes a group with what is pending and dead. @throws WeirError `group_not_found` */
  async delete(name: string): Promise<void> {
    await this.#place.connection.json({ method: 'DELETE', path: await this.open(name).path() });
  }
}

/**
 * Groups share a project's items among their members: at least once each, in order for each person. A group and its
 * unacknowledged items exist until the group is removed.
 */
import type { Log } from '@weir/log';
import type { FeedPlace } from './feed.js';
import { FeedError, groupMissing } from './feed-error.js';
import { DEFAULT_LEASE_MS, FeedGroup } from './feed-group.js';
import { type FeedKind, ownerOf } from './feed-kind.js';
import { type GroupDefinition, GroupList } from './group-list.js';

/**
 * The options of a group to create, see {@link GroupDefinition}. For an existing group, omitted ones stay unchanged.
 */
export interface WantedGroup {
  /** Default `events`. */
  readonly stream?: FeedKind | undefined;
  /** Default `latest`. */
  readonly from?: string | undefined;
  /** Default all. */
  readonly event?: readonly string[] | undefined;
  /** Default false. */
  readonly hold?: boolean | undefined;
  /** Default any. */
  readonly task?: string | undefined;
}

const MAX_GROUPS = 100;
const DEFAULTS = { stream: 'events', from: 'latest', event: null, hold: false } as const;

/** See the head of this file. */
export class FeedGroups {
  readonly #log: Log;
  readonly #leaseMs: number;
  readonly #list: GroupList;
  readonly #open = new Map<string, FeedGroup>();

  /**
   * @param log of the feed
   * @param leaseMs lease of a delivery
   */
  constructor(log: Log, leaseMs = DEFAULT_LEASE_MS) {
    this.#log = log;
    this.#leaseMs = leaseMs;
    this.#list = new GroupList(log);
  }

  /**
   * Creates a group; an existing one with these options stays unchanged.
   * @param locate resolves the place where it begins
   * @throws FeedError `group_exists`, `too_many_groups`; errors of `locate`
   */
  make(
    projectId: string,
    name: string,
    wanted: WantedGroup,
    locate: (definition: GroupDefinition) => Promise<FeedPlace>,
  ): Promise<{ readonly group: FeedGroup; readonly isNew: boolean }> {
    return this.#list.change(projectId, async (groups, write) => {
      const existing = groups.find((one) => one.name === name);
      if (existing !== undefined) {
        refuseOther(existing, definitionOf(wanted, existing));
        return { group: this.#group(projectId, existing), isNew: false };
      }
      if (groups.length >= MAX_GROUPS) {
        const message = `the project has ${MAX_GROUPS} groups, which is the most`;
        throw new FeedError('too_many_groups', message, { limit: MAX_GROUPS });
      }
      const made = definitionOf(wanted, {
        ...DEFAULTS,
        task: wanted.task ?? null,
        name,
        created_at: new Date().toISOString(),
      });
      const { stream, offset } = await locate(made);
      // Removes what an interrupted removal left.
      await this.#log.group(stream, name).remove();
      await this.#log.group(stream, name, { after: offset }).create();
      await write([...groups, made]);
      return { group: this.#group(projectId, made), isNew: true };
    });
  }

  /** All groups of a project, oldest first. */
  async list(projectId: string): Promise<FeedGroup[]> {
    return (await this.#list.of(projectId)).map((definition) => this.#group(projectId, definition));
  }

  /** @throws FeedError `group_not_found` */
  async find(projectId: string, name: string): Promise<FeedGroup> {
    const definition = (await this.#list.of(projectId)).find((one) => one.name === name);
    if (definition === undefined) throw groupMissing(name);
    return this.#group(projectId, definition);
  }

  /** Removes a group with its pending and dead items. Throws FeedError `group_not_found`. */
  remove(projectId: string, name: string): Promise<void> {
    return this.#list.change(projectId, async (groups, write) => {
      const definition = groups.find((one) => one.name === name);
      if (definition === undefined) throw groupMissing(name);
      const group = this.#group(projectId, definition);
      await write(groups.filter((one) => one !== definition));
      this.#open.delete(keyOf(projectId, name));
      await group.remove();
    });
  }

  /** The offset from which groups hold the items of a stream; Infinity if none does. */
  async heldFrom(stream: string): Promise<number> {
    const { kind, projectId } = ownerOf(stream);
    let held = Number.POSITIVE_INFINITY;
    for (const group of await this.list(projectId)) {
      const { hold, stream: kindOfGroup } = group.definition;
      if (hold && kindOfGroup === kind) held = Math.min(held, await group.needs());
    }
    return held;
  }

  #group(projectId: string, definition: GroupDefinition): FeedGroup {
    const key = keyOf(projectId, definition.name);
    let group = this.#open.get(key);
    if (group === undefined) {
      group = new FeedGroup(this.#log, projectId, definition, this.#leaseMs);
      this.#open.set(key, group);
    }
    return group;
  }
}

/** Combines the requested options with the existing ones. */
function definitionOf(
  { stream, from, event, hold, task }: WantedGroup,
  there: GroupDefinition,
): GroupDefinition {
  return {
    name: there.name,
    stream: stream ?? there.stream,
    from: from ?? there.from,
    event: event === undefined ? there.event : [...new Set(event)].sort(),
    hold: hold ?? there.hold,
    // An existing group without a task accepts any task.
    task: (there.task ?? null) === null ? null : (task ?? there.task ?? null),
    created_at: there.created_at,
  };
}

function refuseOther(existing: GroupDefinition, wanted: GroupDefinition): void {
  for (const option of ['stream', 'from', 'event', 'hold', 'task'] as const) {
    if (JSON.stringify(existing[option] ?? null) === JSON.stringify(wanted[option] ?? null)) continue;
    const is = JSON.stringify(existing[option]);
    throw new FeedError(
      'group_exists',
      `the group "${existing.name}" exists with another "${option}": ${is}`,
      {
        errors: [{ path: option, reason: 'differs' }],
      },
    );
  }
}

function keyOf(projectId: string, name: string): string {
  return `${projectId} ${name}`;
}

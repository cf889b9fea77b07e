import type { GroupHost } from './group-state.js';
import type { Group, GroupOptions } from './log.js';
import { StoredGroup } from './stored-group.js';

interface Known {
  readonly group: StoredGroup;
  /** Number of calls in progress. */
  calls: number;
}

/** The groups of a log. All callers of a group share its state; an entry is deleted once it has no state and no calls. */
export class GroupTable {
  readonly #host: GroupHost;
  readonly #known = new Map<string, Known>();

  constructor(host: GroupHost) {
    this.#host = host;
  }

  /** A caller's handle of a group, with its own options. */
  handle(stream: string, name: string, o: GroupOptions): Group {
    const call = <T>(ask: (group: Group) => Promise<T>) =>
      this.#call(stream, name, (group) => ask(group.handle(o)));
    return {
      create: () => call((group) => group.create()),
      pull: (p) => call((group) => group.pull(p)),
      ack: (ids) => call((group) => group.ack(ids)),
      nack: (ids, n) => call((group) => group.nack(ids, n)),
      release: (ids) => call((group) => group.release(ids)),
      claim: (ids, member, c) => call((group) => group.claim(ids, member, c)),
      extend: (ids, e) => call((group) => group.extend(ids, e)),
      stats: () => call((group) => group.stats()),
      dead: (d) => call((group) => group.dead(d)),
      retry: (which) => call((group) => group.retry(which)),
      purge: (which) => call((group) => group.purge(which)),
      remove: () => call((group) => group.remove()),
    };
  }

  async #call<T>(stream: string, name: string, ask: (group: StoredGroup) => Promise<T>): Promise<T> {
    const key = JSON.stringify([stream, name]);
    const known = this.#known.get(key) ?? { group: new StoredGroup(this.#host, stream, name), calls: 0 };
    this.#known.set(key, known);
    known.calls += 1;
    try {
      return await ask(known.group);
    } finally {
      known.calls -= 1;
      if (known.calls === 0 && !known.group.isLoaded) this.#known.delete(key);
    }
  }
}

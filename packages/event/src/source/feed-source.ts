import { randomUUID } from 'node:crypto';
import { defined } from '@weir/base';
import type { EventStream, StreamWatcher } from './event-stream.js';
import { FeedStream } from './feed.js';
import { FeedGroup } from './feed-group.js';
import type { GroupMember, GroupWish, Source } from './source.js';

/** Options of a {@link FeedSource}. */
export interface FeedSourceOptions {
  /** The server's URL without a trailing slash. */
  readonly server: string;
  /** Project id. */
  readonly project: string;
  /** API key of the project with the scope `feed`. */
  readonly key: string;
  /** `events`, `usage`, `dead_letters` or `processes`. */
  readonly stream: string;
}

/** A project's feed on the server. A cursor is valid as long as the feed retains the items after it. */
export class FeedSource implements Source {
  readonly name: string;
  readonly hasOffsets = true;
  readonly #options: FeedSourceOptions;
  #isKnown = false;

  constructor(options: FeedSourceOptions) {
    this.#options = options;
    this.name = `feed ${options.stream}`;
  }

  open(from: string, names?: readonly string[]): EventStream {
    const chosen = names === undefined ? {} : { names };
    const stream = new FeedStream({ ...this.#options, from, isKnown: this.#isKnown, ...chosen });
    return { follow: (watcher, signal) => stream.follow(this.#watched(watcher), signal) };
  }

  join(group: string, from: string, { names, task, member = randomUUID() }: GroupWish = {}): GroupMember {
    const chosen = { ...defined({ names, task }) };
    return new FeedGroup({ ...this.#options, group, from, member, ...chosen });
  }

  #watched(watcher: StreamWatcher): StreamWatcher {
    return {
      onState: (state, reason) => {
        if (state === 'connected') this.#isKnown = true;
        watcher.onState(state, reason);
      },
      onGap: (gap) => watcher.onGap(gap),
      onPosition: (cursor) => watcher.onPosition?.(cursor),
    };
  }
}

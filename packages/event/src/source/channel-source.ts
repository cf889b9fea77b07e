import { ChannelStream } from './channel.js';
import type { EventStream, StreamWatcher } from './event-stream.js';
import type { Source } from './source.js';
import type { SourceSpec } from './source-spec.js';

/** Identifies a channel of a server. */
export type ChannelSpec = Extract<SourceSpec, { readonly kind: 'channel' }>;

/** A channel of a process. Its cursors are message indexes. The source ends when the channel ends. */
export class ChannelSource implements Source {
  readonly name: string;
  readonly hasOffsets = true;
  readonly #spec: ChannelSpec;
  readonly #key: string;
  #isKnown = false;

  /** @param key API key of the submitter or an observer; sent only to this server. */
  constructor(spec: ChannelSpec, key: string) {
    this.#spec = spec;
    this.#key = key;
    this.name = `channel ${spec.name} of process ${spec.process}`;
  }

  open(from: string): EventStream {
    const stream = new ChannelStream({ ...this.#spec, key: this.#key, from, isKnown: this.#isKnown });
    return { follow: (watcher, signal) => stream.follow(this.#watched(watcher), signal) };
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

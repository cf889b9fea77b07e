import type { EventStream, StreamedEvent, StreamGap } from '../event-stream.js';

/** Follows a stream and records its events, states and gaps. */
export class Follower {
  readonly items: StreamedEvent[] = [];
  readonly states: string[] = [];
  readonly gaps: StreamGap[] = [];
  readonly positions: string[] = [];
  readonly #ending = new AbortController();
  #changed: () => void = () => {};
  /** Resolves when the stream ends; with its error, if it has one. */
  readonly ended: Promise<unknown>;
  #hasEnded = false;

  readonly #acknowledges: boolean;

  /** @param acknowledges acknowledges every event; default false. */
  constructor(stream: EventStream, { acknowledges = false }: { readonly acknowledges?: boolean } = {}) {
    this.#acknowledges = acknowledges;
    this.ended = this.#follow(stream).then(
      () => this.#end(undefined),
      (error: unknown) => this.#end(error),
    );
  }

  get payloads(): unknown[] {
    return this.items.map(({ event }) => event.payload);
  }

  get lastCursor(): string {
    return this.items.at(-1)?.cursor ?? '';
  }

  /** Waits until a condition holds. */
  async until(holds: (follower: this) => boolean): Promise<void> {
    while (!holds(this)) {
      if (this.#hasEnded) throw new Error(`the stream has ended: ${String(await this.ended)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.ended;
  }

  async #follow(stream: EventStream): Promise<void> {
    const record =
      <T>(list: T[]) =>
      (value: T) => {
        list.push(value);
        this.#changed();
      };
    const watcher = {
      onState: record(this.states),
      onGap: record(this.gaps),
      onPosition: record(this.positions),
    };
    const add = record(this.items);
    for await (const item of stream.follow(watcher, this.#ending.signal)) {
      add(item);
      if (this.#acknowledges) await item.ack?.();
    }
  }

  #end(error: unknown): unknown {
    this.#hasEnded = true;
    this.#changed();
    return error;
  }
}

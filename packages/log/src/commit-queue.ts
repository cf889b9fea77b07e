import { Slice } from '@weir/base';
import { LogError } from './log-error.js';
import type { Change, Store } from './store.js';

/**
 * One caller's part of a commit. The steps of all writes of a group run in the order of their arrival: `prepare`,
 * then, when the commit is through, `done`, or else `undo` and `fail`. Groups follow one another, so `prepare` sees the outcome of
 * every group before.
 */
export interface Write {
  /** Frees space or lets others do so (trims, cursors, acknowledgements): goes through when appends do not. */
  readonly essential: boolean;
  /** About how many bytes it stores. */
  readonly bytes: number;
  /** Adds this write's changes. What it throws fails this write alone, so it must not have changed anything then. */
  prepare(changes: Change[]): void;
  done(): void;
  /** Takes back what `prepare` did in memory, as the commit failed; `prepare` may be called again. */
  undo?(): void;
  fail(error: unknown): void;
}

/** Runs once a group, after the writes: for what the whole group shares. */
export interface GroupParticipant {
  prepare(changes: Change[]): void;
  done(): void;
  undo(): void;
}

/**
 * A group is prepared in one turn of the event loop, so it is bounded in bytes, writes and time: a flood becomes several
 * commits. Pulls of groups scan entries while they are prepared, so that only time bounds them.
 */
const MAX_GROUP_BYTES = 16 * 1024 * 1024;
const MAX_GROUP_WRITES = 5000;
const MAX_GROUP_MS = 10;

/**
 * Group commit: while one commit is on its way to the disk the next group gathers, and is committed as one. Short of
 * a flood, a write waits for at most the commit in progress and its own.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #shared: GroupParticipant;
  #waiting: Write[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  /** Of commits that did not wait for the disk. */
  #slice = new Slice();

  constructor(store: Store, shared: GroupParticipant) {
    this.#store = store;
    this.#shared = shared;
  }

  /** Adds a write; its `done` or `fail` follows. */
  add(write: Write): void {
    if (this.#closed) {
      write.fail(new LogError('draining', 'the log is closed: the server is stopping'));
      return;
    }
    this.#waiting.push(write);
    this.#running ??= this.#run();
  }

  /** Adds a write that is only its preparation; resolves when durable with what that answered. */
  run<T>(essential: boolean, prepare: (changes: Change[]) => T, undo?: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let answer: T;
      this.add({
        essential,
        bytes: 0,
        prepare: (changes) => {
          answer = prepare(changes);
        },
        done: () => resolve(answer),
        undo: () => undo?.(),
        fail: reject,
      });
    });
  }

  /** Refuses further writes, and resolves when those begun are through. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Callers that add in the same turn belong to the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const hasWaited = await this.#commit(this.#takeGroup());
      // A commit to memory, or one without changes, never leaves the microtask queue: nor would a loop of them.
      if (hasWaited) this.#slice = new Slice();
      else if (this.#slice.isOver) await this.#slice.next();
    }
    this.#running = undefined;
  }

  #takeGroup(): readonly Write[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#waiting) {
      bytes += write.bytes;
      if (count > 0 && bytes > MAX_GROUP_BYTES) break;
      count += 1;
      if (count === MAX_GROUP_WRITES) break;
    }
    return this.#waiting.splice(0, count);
  }

  /** Answers whether it waited for the disk. */
  async #commit(group: readonly Write[]): Promise<boolean> {
    const changes: Change[] = [];
    const prepared: Write[] = [];
    let essential = true;
    const slice = new Slice({ ms: MAX_GROUP_MS });
    for (const [index, write] of group.entries()) {
      if (prepared.length > 0 && slice.isOver) {
        this.#waiting.unshift(...group.slice(index));
        break;
      }
      try {
        write.prepare(changes);
        prepared.push(write);
        essential &&= write.essential;
      } catch (error) {
        write.fail(error);
      }
    }
    this.#shared.prepare(changes);
    try {
      if (changes.length > 0) await this.#store.commit(changes, essential);
    } catch (error) {
      this.#shared.undo();
      for (const write of prepared) write.undo?.();
      await this.#failed(prepared, error, essential);
      return true;
    }
    this.#shared.done();
    for (const write of prepared) write.done();
    return changes.length > 0 && this.#store.engine !== 'memory';
  }

  /** A full disk fails the appends only: what frees space is tried again without them. */
  async #failed(writes: readonly Write[], error: unknown, essential: boolean): Promise<void> {
    const again = !essential && error instanceof LogError && error.code === 'log_full';
    const retry: Write[] = [];
    for (const write of writes) {
      if (again && write.essential) retry.push(write);
      else write.fail(error);
    }
    if (retry.length > 0) await this.#commit(retry);
  }
}

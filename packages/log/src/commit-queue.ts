import { Slice } from '@weir/base';
import { LogError } from './log-error.js';
import type { Change, Store } from './store.js';

/**
 * One caller's part of a commit. Writes that are committed together form a group. Within a group, each step runs in
 * order of arrival: first `prepare`, and after the commit `done`, or `undo` and `fail`. Groups are committed one after
 * another, so `prepare` sees the result of all earlier groups.
 */
export interface Write {
  /** True for writes that free space or allow it (trims, cursors, acknowledgements); they succeed when appends fail. */
  readonly essential: boolean;
  /** Approximate number of bytes to store. */
  readonly bytes: number;
  /** Adds this write's changes. If it throws, only this write fails, so it must not have changed anything. */
  prepare(changes: Change[]): void;
  done(): void;
  /** Reverts the in-memory changes of `prepare` after a failed commit; `prepare` may be called again. */
  undo?(): void;
  fail(error: unknown): void;
}

/** Runs once per group, after its writes, for shared state. */
export interface GroupParticipant {
  prepare(changes: Change[]): void;
  done(): void;
  undo(): void;
}

/**
 * Bounds of a group, which is prepared in one turn of the event loop; a large number of writes is split into several
 * commits. The time limit is needed for pulls of groups, which scan entries while they are prepared.
 */
const MAX_GROUP_BYTES = 16 * 1024 * 1024;
const MAX_GROUP_WRITES = 5000;
const MAX_GROUP_MS = 10;

/**
 * Group commit: while one commit is written to disk, the next group collects writes. Without overload, a write waits
 * for at most the commit in progress and its own.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #shared: GroupParticipant;
  #waiting: Write[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  /** Time slice of consecutive commits that did not wait for the disk. */
  #slice = new Slice();

  constructor(store: Store, shared: GroupParticipant) {
    this.#store = store;
    this.#shared = shared;
  }

  /** Adds a write; its `done` or `fail` is called later. */
  add(write: Write): void {
    if (this.#closed) {
      write.fail(new LogError('draining', 'the log is closed: the server is stopping'));
      return;
    }
    this.#waiting.push(write);
    this.#running ??= this.#run();
  }

  /** Adds a write without further steps; resolves with the result of `prepare` once it is durable. */
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

  /** Rejects further writes; resolves when the pending ones are committed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // Let callers in the same turn join the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const hasWaited = await this.#commit(this.#takeGroup());
      // A commit to memory, or one without changes, stays in the microtask queue; a loop of them would block the event loop.
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

  /** Returns true if the commit waited for the disk. */
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

  /** A full disk fails only appends: retries the writes that free space without them. */
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

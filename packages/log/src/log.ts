/**
 * The durable log: named streams of entries with increasing offsets, and the readers of these streams.
 *
 * Weir stores each accepted item as an entry; everything else reads entries. The interface does not assume that the
 * caller's process is the only one, so that a distributed engine can implement it as well as an embedded one.
 */

/** One stored entry. */
export interface Entry {
  /** Position in the stream: 1 for the first entry ever appended, then 2, 3, … without a gap. */
  readonly offset: number;
  /** The bytes as appended. They belong to the caller and never change. */
  readonly data: Uint8Array;
}

/** Offsets of the entries of one `append`: `first` to `last`, inclusive. */
export interface Appended {
  readonly first: number;
  readonly last: number;
}

/** Options of an append. */
export interface AppendOptions {
  /**
   * Allows the append to exceed `maxBytes` by up to an eighth, and up to 1,500 bytes to use the space reserved on a
   * full disk. For data that must be written before the log can be trimmed. Default false.
   */
  readonly reserve?: boolean;
  /** See {@link Part.owner}; `appendAll` uses that of its parts. */
  readonly owner?: string;
}

/** Options of a removal. */
export interface RemoveOptions {
  /**
   * Also forgets the name: a later append starts at offset 1 again, and a reader with an old position gets no error.
   * For callers that create many names and distinguish streams of one name by other means. Default false.
   */
  readonly forget?: boolean;
}

/** One stream's part of {@link Log.appendAll}. */
export interface Part {
  readonly stream: string;
  readonly entries: readonly Uint8Array[];
  /**
   * Owner whose quota the stream counts toward from now on, such as a project. While less than a quarter of `maxBytes`
   * is free, an owner with more than a quarter is rejected (`project_quota`). Default: the owner of the earlier
   * entries; a new stream has none.
   */
  readonly owner?: string;
}

/** What to read: entries with offset > `after`. */
export interface ReadOptions {
  readonly after: number;
  /** Maximum number of entries; default no limit. */
  readonly limit?: number;
  /** Maximum number of bytes, but at least one entry; default 4 MiB. */
  readonly maxBytes?: number;
}

/** Start and end of a tail. */
export interface TailOptions {
  readonly after: number;
  readonly signal: AbortSignal;
}

/** Contents of a stream. An empty one has `first` = `last` + 1. */
export interface StreamStats {
  /** Offset of the oldest retained entry. */
  readonly first: number;
  /** Offset of the newest durable entry; 0 before the first append. */
  readonly last: number;
  readonly entries: number;
  /** Bytes of the retained entries, as appended. */
  readonly bytes: number;
}

/** Size of the log. */
export interface LogSize {
  /** Live bytes of all streams with their overhead, bounded by `maxBytes`. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** False if the disk has no room for appends, even if `bytes` is below `maxBytes`. */
  readonly writable: boolean;
  /** Why the log rejects writes until it is reopened; null if it works. */
  readonly failure: string | null;
  /** Appends rejected with `project_quota` since the log was opened. */
  readonly quotaRefusals: number;
}

/** The durable position of one reader of a stream. */
export interface Cursor {
  get(): Promise<{ readonly offset: number; readonly state: Uint8Array } | undefined>;
  /**
   * Moves the cursor (also backwards) and replaces its state (default empty). Resolves when durable.
   * @throws LogError `log_full` only if even the reserved space is used up, `draining`, `store_unavailable`
   */
  commit(offset: number, state?: Uint8Array): Promise<void>;
}

/** Options of a group. */
export interface GroupOptions {
  /** Start position of a new group; default 0, the oldest retained entry. No effect on an existing group. */
  readonly after?: number;
  /** Lease duration: an entry that is not acknowledged within it is redelivered to any member; default 30,000 ms. */
  readonly ackWaitMs?: number;
  /** Selects the entries of the group; others are skipped. Default all. Pass it to every handle that pulls. */
  readonly wants?: (data: Uint8Array) => boolean;
  /**
   * Entries of one lane (at most 1,024 bytes) are delivered in order: while one is leased or waits for redelivery,
   * later ones are held back, unless the same pull delivers them to the same member. At most 10,000 entries are held
   * back; then the group reads no further ahead until some are acknowledged. Null, the default, means no order.
   */
  readonly lane?: (data: Uint8Array) => string | null;
  /** Maximum number of unacknowledged entries per member; default no limit. */
  readonly maxUnacknowledged?: number;
  /** After this many attempts an entry becomes dead instead of being redelivered; default no limit. */
  readonly maxAttempts?: number;
  /** How long dead entries are retained, at most 16 MiB of them; default 7 days. */
  readonly deadMs?: number;
}

/** An entry that exceeded its attempts. The group keeps its data even if the stream is trimmed. */
export interface DeadEntry extends Entry {
  /** Identifies the entry in `retry` and `purge`, and as a position in the list. */
  readonly id: string;
  /** Number of deliveries. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly diedAt: number;
}

/** Ids of dead entries, or all of them. */
export type DeadChoice = readonly string[] | 'all';

/** One entry leased to one member of a group. */
export interface Delivery extends Entry {
  /** Identifies this delivery in `ack`, `nack` and `extend`. */
  readonly id: string;
  /** 1 for the first delivery of an entry, increased by one with each redelivery. */
  readonly attempt: number;
}

/** Options of a pull. */
export interface PullOptions {
  /** Maximum number of entries. */
  readonly max: number;
  /** Name of the member, at most 1,024 bytes; default: an anonymous member. */
  readonly member?: string;
  /**
   * Deliveries that the member has received. All its other leases belong to a lost response: these entries are
   * redelivered at once without counting the attempt. Such a pull replaces an earlier pull of the member. Default
   * unknown.
   */
  readonly holding?: readonly string[];
  /** How long to wait for the first entry; default 0. */
  readonly waitMs?: number;
  /** Ends the wait; the pull then resolves with no entries. */
  readonly signal?: AbortSignal;
  /** Maximum number of bytes, but at least one entry; default 4 MiB. */
  readonly maxBytes?: number;
}

/** Progress of a group. */
export interface GroupStats {
  /** Every offset up to here was delivered, is held back, or was skipped (not wanted, or trimmed). */
  readonly delivered: number;
  /** Number of entries delivered and not acknowledged. */
  readonly pending: number;
  /** Number of entries held back behind others of their lane. */
  readonly held: number;
  readonly dead: number;
  /** The lowest offset that the group may still need; trimming below it loses nothing for the group. */
  readonly needs: number;
}

/**
 * Members of a group share the entries of a stream, with at-least-once delivery: an entry that is not acknowledged
 * before its deadline is redelivered to any member with an increased attempt number. Pending entries survive a restart.
 * A group with 20,000 pending entries, or 16 MiB of revived ones, delivers nothing new until some are done.
 *
 * From the third attempt on, an entry is delivered without others of its lane. The last of `maxAttempts` is delivered
 * alone, to a member that holds no other entries and gets none meanwhile, so that a poison entry cannot use up the
 * attempts of others.
 *
 * Deadlines count the running time of the process. On the first pull after a restart, every lease gets its full
 * `ackWaitMs` again.
 */
export interface Group {
  /** Persists the group at its start position before the first pull; returns false if it exists. */
  create(): Promise<boolean>;
  /**
   * Returns due entries first, then new ones; an empty array if none arrived within `waitMs`.
   * @throws LogError `cursor_expired` once after trimming has overtaken the group, with the number of entries `missed`;
   * the next pull continues at the oldest retained entry. `too_many_unacknowledged` if the member has reached its
   * limit.
   */
  pull(o: PullOptions): Promise<Delivery[]>;
  /** Acknowledges deliveries: they are never redelivered. Resolves when durable with the number that was pending. */
  ack(ids: readonly string[]): Promise<number>;
  /** Reports failures: redelivers after `delayMs` (default 0). Ignores a delivery that has been leased again since. */
  nack(ids: readonly string[], o?: { readonly delayMs?: number }): Promise<number>;
  /** Returns deliveries that were not tried: redelivers them at once without counting the attempt. Otherwise like `nack`. */
  release(ids: readonly string[]): Promise<number>;
  /**
   * Extends these leases to `forMs` from now (default the group's `ackWaitMs`). An expired lease is not extended if
   * another entry of its lane was delivered since.
   */
  extend(ids: readonly string[], o?: { readonly forMs?: number }): Promise<number>;
  /**
   * Leases these deliveries to a member again, even if its lease has expired or a later attempt was delivered to it.
   * Resolves with the ids that it holds, without those that are settled or returned, or whose lane another member
   * holds.
   * @param o `from`: a member that gives up its leases of these deliveries
   */
  claim(ids: readonly string[], member: string, o?: { readonly from?: string }): Promise<string[]>;
  stats(): Promise<GroupStats>;
  /**
   * Dead entries in order of death, after an id, at most `limit` (default 100) and 4 MiB.
   * @throws LogError `invalid_request` if `after` is malformed
   */
  dead(o?: { readonly after?: string; readonly limit?: number }): Promise<DeadEntry[]>;
  /**
   * Revives dead entries as if they had never been delivered, ordered before later entries of their lanes; returns
   * their number. Entries stay dead if the group has reached its limit of pending entries.
   */
  retry(which: DeadChoice): Promise<number>;
  /** Deletes dead entries; returns their number. */
  purge(which: DeadChoice): Promise<number>;
  /** Deletes the group with its pending and dead entries. */
  remove(): Promise<void>;
}

/**
 * A durable log. Guarantees, in every engine:
 *
 * - `append` resolves when the entries would survive a crash of process and machine (`memory`: when they are visible).
 *   All entries of one call are stored, or none. A rejected append leaves nothing, not even a gap.
 * - Offsets of a stream start at 1, are dense, and never restart while the log exists: not after trimming all entries,
 *   not after `remove` (unless `forget` is set), not after a restart.
 * - Readers see only durable entries, in offset order.
 * - A read of trimmed entries fails with `cursor_expired`; it never skips silently.
 */
export interface Log {
  readonly engine: 'memory' | 'lmdb';
  /** Creation time of this log, in Unix seconds (uint32). A log that is recreated after a loss has a greater one. */
  readonly epoch: number;
  /** UUID of this log; lets a reader detect that the log was lost and recreated. */
  readonly id: string;
  /**
   * Appends to one stream; creates it if absent. Concurrent calls share one fsync. The caller must not change the
   * entries until the promise settles.
   * @throws LogError `log_full` and `project_quota` (retryable), `draining`, `store_unavailable`, `invalid_stream`,
   * `entry_too_large`
   */
  append(stream: string, entries: readonly Uint8Array[], o?: AppendOptions): Promise<Appended>;
  /** Appends to several streams in one commit, all or nothing. Results are in the order of the parts. */
  appendAll(parts: readonly Part[], o?: AppendOptions): Promise<Appended[]>;
  /**
   * The next entries after a position; empty at or past the end. It never waits for I/O, so a loop of reads must yield
   * to the event loop (`takeTurn`, `Slice` of `@weir/base`) before each of them.
   * @throws LogError `cursor_expired` if entries after `after` were trimmed
   */
  read(stream: string, o: ReadOptions): Promise<Entry[]>;
  /**
   * History, then live: every entry after the position once, in order, without a gap. Waits for a stream that does not
   * exist yet. Ends without an error when the signal aborts.
   * @throws LogError `cursor_expired` at the start, or later if trimming overtakes a slow consumer; `draining`
   */
  tail(stream: string, o: TailOptions): AsyncIterable<Entry>;
  /**
   * Resolves when the stream has an entry after a position (immediately if it already has), the signal aborts, or
   * `timeoutMs` (default none) have passed.
   */
  wait(stream: string, o: TailOptions & { readonly timeoutMs?: number }): Promise<void>;
  /**
   * Applies the rule of {@link Part.owner} to entries of several owners in one stream, which only their writer can
   * distinguish.
   * @param held bytes that the owner has in the log
   * @param coming bytes to append
   * @throws LogError `project_quota`
   */
  checkQuota(held: number, coming: number): void;
  cursor(stream: string, reader: string): Cursor;
  group(stream: string, name: string, o?: GroupOptions): Group;
  /** Deletes the entries with offset < `before`. Works when the log is full. */
  trim(stream: string, before: number): Promise<void>;
  /**
   * Removes a stream with its cursors and groups. A later append to the name continues with the next offset; the log
   * keeps the name for that.
   */
  remove(stream: string, o?: RemoveOptions): Promise<void>;
  /** Names of existing streams that start with `prefix`, in the byte order of their UTF-8. */
  streams(prefix?: string): Promise<string[]>;
  /** Contents of a stream, in constant time. Unknown: `{first: 1, last: 0, entries: 0, bytes: 0}`. */
  stats(stream: string): Promise<StreamStats>;
  size(): Promise<LogSize>;
  /** Rejects new work, completes pending work, ends the tails, releases the directory. Idempotent. */
  close(): Promise<void>;
}

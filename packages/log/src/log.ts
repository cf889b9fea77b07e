/**
 * The durable log: named streams of entries with increasing offsets, and the readers that stand in them.
 *
 * An accepted thing is an entry; everything else is a reader of it. Nothing in this interface assumes that the
 * caller's process is the only one, so an engine that spans nodes fits behind it as well as an embedded one.
 */

/** One stored entry. */
export interface Entry {
  /** Place in the stream: 1 for the first entry ever appended, then 2, 3, … without a gap. */
  readonly offset: number;
  /** The bytes as appended. They belong to the caller and stay valid for as long as it holds them. */
  readonly data: Uint8Array;
}

/** Where the entries of one `append` went: `first` to `last`, both included. */
export interface Appended {
  readonly first: number;
  readonly last: number;
}

/** How an append is bounded. */
export interface AppendOptions {
  /**
   * Lets it pass `maxBytes` by up to an eighth, and up to 1,500 bytes take the room that is kept on a full disk: for what
   * allows the log to be trimmed once it is written. Default false.
   */
  readonly reserve?: boolean;
  /** See {@link Part.owner}; `appendAll` takes that of its parts. */
  readonly owner?: string;
}

/** How a stream is removed. */
export interface RemoveOptions {
  /**
   * Forgets its name too: appending to it again begins with offset 1, and who reads from a place in it is not told that it
   * went. For who makes many names, and tells the streams of one apart otherwise. Default false.
   */
  readonly forget?: boolean;
}

/** One stream's part of an {@link Log.appendAll}. */
export interface Part {
  readonly stream: string;
  readonly entries: readonly Uint8Array[];
  /**
   * Whose share of the log the stream counts towards from now on, such as a project. An owner with more than a quarter of
   * `maxBytes` is refused (`project_quota`) while less than a quarter is free. Default: the owner of the earlier entries; a new stream has none.
   */
  readonly owner?: string;
}

/** What to read: entries with offset > `after`. */
export interface ReadOptions {
  readonly after: number;
  /** At most so many entries; default no limit of its own. */
  readonly limit?: number;
  /** Stop before passing so many bytes, but give at least one entry; default 4 MiB. */
  readonly maxBytes?: number;
}

/** Where a tail starts, and what ends it. */
export interface TailOptions {
  readonly after: number;
  readonly signal: AbortSignal;
}

/** What a stream holds. An empty one has `first` = `last` + 1, wherever trimming left it. */
export interface StreamStats {
  /** Offset of the oldest entry kept. */
  readonly first: number;
  /** Offset of the newest durable entry; 0 before the first append. */
  readonly last: number;
  readonly entries: number;
  /** Bytes of the entries kept, as appended. */
  readonly bytes: number;
}

/** How full the log is. */
export interface LogSize {
  /** Live bytes of all streams with their overhead; what `maxBytes` bounds. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** False while the disk has no room for appends, though `bytes` may be below `maxBytes`. */
  readonly writable: boolean;
  /** Why nothing can be stored until the log is opened again; null while it can. */
  readonly failure: string | null;
  /** Appends refused with `project_quota` since the log was opened. */
  readonly quotaRefusals: number;
}

/** Where one reader of a stream stands: durable, and moved by that reader alone. */
export interface Cursor {
  get(): Promise<{ readonly offset: number; readonly state: Uint8Array } | undefined>;
  /**
   * Moves the cursor (backwards too) and replaces its state (default empty). Resolves when durable.
   * @throws LogError `log_full` only when even the log's reserve is used up, `draining`, `store_unavailable`
   */
  commit(offset: number, state?: Uint8Array): Promise<void>;
}

/** How a group hands out entries. */
export interface GroupOptions {
  /** A new group starts after this offset; default 0, that is the oldest entry kept. No effect on an existing one. */
  readonly after?: number;
  /** How long a member has to acknowledge before an entry goes to somebody else; default 30,000 ms. */
  readonly ackWaitMs?: number;
  /** Which entries the group is about; the others are passed over. Default all. Give it to every handle that pulls. */
  readonly wants?: (data: Uint8Array) => boolean;
  /**
   * Entries of one lane (at most 1,024 bytes) are handed out in order: while one is with a member or waits to come
   * again, the later ones are held back, unless they go to the same member in the same pull. At most 10,000 are held
   * back; then the group reads no further ahead until some are acknowledged. Null, and the default, is no order.
   */
  readonly lane?: (data: Uint8Array) => string | null;
  /** How many entries a member may have; default no limit. */
  readonly maxUnacknowledged?: number;
  /** An entry that was handed out so often is dead instead of coming again; default no limit. */
  readonly maxAttempts?: number;
  /** How long dead entries are kept, at most 16 MiB of them; default 7 days. */
  readonly deadMs?: number;
}

/** An entry that was handed out too often. It is kept with the group, whatever the stream still has. */
export interface DeadEntry extends Entry {
  /** Names it in `retry` and `purge`, and as a place in the list. */
  readonly id: string;
  /** How often it was handed out. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly diedAt: number;
}

/** Dead entries by their ids, or all of them. */
export type DeadChoice = readonly string[] | 'all';

/** One entry lent to one member of a group. */
export interface Delivery extends Entry {
  /** Names this delivery in `ack`, `nack` and `extend`. */
  readonly id: string;
  /** 1 the first time an entry is handed out, one more each time it comes again. */
  readonly attempt: number;
}

/** What to pull. */
export interface PullOptions {
  /** At most so many entries. */
  readonly max: number;
  /** Who pulls, at most 1,024 bytes; default nobody in particular. */
  readonly member?: string;
  /**
   * The deliveries that the member has. What else is lent to it, it never got, because an answer was lost: that comes again
   * at once, and the try does not count. A pull that says so takes the place of an earlier one of the member. Default
   * unknown.
   */
  readonly holding?: readonly string[];
  /** Wait so long for the first one; default 0. */
  readonly waitMs?: number;
  /** Ends the wait: the pull then resolves with nothing. */
  readonly signal?: AbortSignal;
  /** Stop before passing so many bytes, but give at least one entry; default 4 MiB. */
  readonly maxBytes?: number;
}

/** How far a group has come. */
export interface GroupStats {
  /** Every offset up to here has been handed out, is held back, or was passed over (not wanted, or trimmed). */
  readonly delivered: number;
  /** Entries handed out and not yet acknowledged. */
  readonly pending: number;
  /** Entries held back behind others of their lane. */
  readonly held: number;
  /** Dead entries. */
  readonly dead: number;
  /** The lowest offset the group may still need: trimming before it loses nothing for the group. */
  readonly needs: number;
}

/**
 * Many members share the entries of a stream, at least once each: an entry that is not acknowledged before its
 * deadline comes again, to any member, with its attempt counted. What is pending survives a restart. A group with 20,000
 * entries pending, or 16 MiB that came back from the dead, hands out nothing new until some are done with.
 *
 * From the third time on an entry goes out without others of its lane, and the last of `maxAttempts` it goes alone, to a
 * member that has nothing else and gets nothing else meanwhile: so that what makes a member fail takes no others along.
 *
 * Deadlines count the time in which the process runs. With the first pull after a restart, what is lent has its whole
 * `ackWaitMs` again.
 */
export interface Group {
  /** Makes the group durable at the place it starts from, before anything is pulled; false when it exists. */
  create(): Promise<boolean>;
  /**
   * Takes due entries first, then new ones; an empty array when none came within `waitMs`.
   * @throws LogError `cursor_expired` once when trimming passed the group by, with how many it `missed`; the next
   * pull goes on from the oldest entry kept. `too_many_unacknowledged` when the member has all it may.
   */
  pull(o: PullOptions): Promise<Delivery[]>;
  /** Done with these: they never come again. Resolves when durable with how many were still pending. */
  ack(ids: readonly string[]): Promise<number>;
  /** Not done: they come again after `delayMs` (default 0). A delivery that has since been lent anew is left alone. */
  nack(ids: readonly string[], o?: { readonly delayMs?: number }): Promise<number>;
  /** Never tried: they come again at once, and this time does not count as an attempt. Else like `nack`. */
  release(ids: readonly string[]): Promise<number>;
  /**
   * Gives these deliveries another `forMs` from now (default the group's `ackWaitMs`). One whose deadline has passed is
   * left alone when another of its lane has gone out since.
   */
  extend(ids: readonly string[], o?: { readonly forMs?: number }): Promise<number>;
  /**
   * Gives a member another lease of these, even where its lease has expired or a later try was lent to it. Resolves with
   * those that it has: not those that are settled or returned, or of whose lane another member has an entry.
   * @param o `from`: a member that gives up its leases of these
   */
  claim(ids: readonly string[], member: string, o?: { readonly from?: string }): Promise<string[]>;
  stats(): Promise<GroupStats>;
  /**
   * Dead entries in the order they died: those after one, at most `limit` (default 100) and 4 MiB.
   * @throws LogError `invalid_request` when `after` is not an id of one
   */
  dead(o?: { readonly after?: string; readonly limit?: number }): Promise<DeadEntry[]>;
  /**
   * Brings dead entries back, before later ones of their lanes, as if never handed out; answers with how many. They stay
   * dead where the group has all it may have pending.
   */
  retry(which: DeadChoice): Promise<number>;
  /** Forgets dead entries; answers with how many. */
  purge(which: DeadChoice): Promise<number>;
  /** Forgets the group with what is pending and dead in it. */
  remove(): Promise<void>;
}

/**
 * A durable log. Guarantees, in every engine:
 *
 * - `append` resolves when the entries would survive a crash of process and machine (`memory`: when they are visible).
 *   All entries of one call are stored, or none. A rejected append left nothing behind, not even a gap.
 * - Offsets of a stream start at 1, are dense, and never restart while the log lives: not after trimming it empty,
 *   not after `remove` (unless it is told to forget the name), not after a restart.
 * - Readers see only durable entries, in offset order.
 * - A read below what trimming kept fails with `cursor_expired`; it never skips silently.
 */
export interface Log {
  readonly engine: 'memory' | 'lmdb';
  /** When this log was created, in unix seconds (uint32). A log that was lost and made anew has a greater one. */
  readonly epoch: number;
  /** Names this log and no other, a UUID: what has read some of it can tell where it stood from a log made anew. */
  readonly id: string;
  /**
   * Appends to one stream, creating it. Calls made together share one fsync. The entries must not be changed until
   * the promise settles.
   * @throws LogError `log_full` and `project_quota` (retryable), `draining`, `store_unavailable`, `invalid_stream`,
   * `entry_too_large`
   */
  append(stream: string, entries: readonly Uint8Array[], o?: AppendOptions): Promise<Appended>;
  /** Appends to several streams in one commit: all of it is stored, or nothing. Answers in the order of the parts. */
  appendAll(parts: readonly Part[], o?: AppendOptions): Promise<Appended[]>;
  /**
   * The next entries after a place; empty at or past the end. It never waits for I/O: a loop of reads takes a turn of the
   * event loop (`takeTurn`, `Slice` of `@weir/base`) before each of them.
   * @throws LogError `cursor_expired` when entries after `after` have been trimmed
   */
  read(stream: string, o: ReadOptions): Promise<Entry[]>;
  /**
   * History, then live: every entry after the place once, in order, with no hole. Waits for a stream that does not
   * exist yet. Ends quietly when the signal aborts.
   * @throws LogError `cursor_expired` at the start, or later when trimming overtakes a slow consumer; `draining`
   */
  tail(stream: string, o: TailOptions): AsyncIterable<Entry>;
  /**
   * Resolves when the stream has an entry after a place, it has none yet included, the signal aborts, or `timeoutMs`
   * (default none) are over.
   */
  wait(stream: string, o: TailOptions & { readonly timeoutMs?: number }): Promise<void>;
  /**
   * The rule of {@link Part.owner} for entries of many owners in one stream, which only their writer can tell apart.
   * @param held bytes that the owner has in the log
   * @param coming bytes that are to be appended
   * @throws LogError `project_quota`
   */
  checkQuota(held: number, coming: number): void;
  cursor(stream: string, reader: string): Cursor;
  group(stream: string, name: string, o?: GroupOptions): Group;
  /** Forgets the entries with offset < `before`; never more than there are. Works when the log is full. */
  trim(stream: string, before: number): Promise<void>;
  /**
   * Removes a stream with its cursors and groups. Appending to the name again goes on with the next offset, for which the
   * log keeps the name.
   */
  remove(stream: string, o?: RemoveOptions): Promise<void>;
  /** Names of the streams that exist, those starting with `prefix`, in the byte order of their UTF-8. */
  streams(prefix?: string): Promise<string[]>;
  /** What a stream holds, at a cost that does not depend on it. Unknown: `{first: 1, last: 0, entries: 0, bytes: 0}`. */
  stats(stream: string): Promise<StreamStats>;
  size(): Promise<LogSize>;
  /** Refuses new work, finishes what was begun, ends the tails, releases the directory. Safe to call twice. */
  close(): Promise<void>;
}

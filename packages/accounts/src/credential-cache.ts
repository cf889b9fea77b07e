/**
 * Caches one kind of credential by hash, so that the hot path needs no store.
 *
 * An answer that the store confirmed within `FRESH_MS` is valid. The owner calls `refresh` more often, which confirms
 * all cached credentials in few statements. So in practice every hit is synchronous, and a revocation on any node takes
 * effect in time. If refreshes fail, an older answer is confirmed first while the store answers, and stays valid for
 * `staleMs` while it does not.
 *
 * Unknown credentials are looked up in batches, one statement at a time for any number of callers. Misses are cached
 * briefly, at most `MAX_MISSES` of them: a flood of made-up tokens costs the store one small statement after another,
 * and this process a bounded table.
 */
import { AccountsError } from './accounts-error.js';

/** How long an answer is valid without confirmation: the maximum delay of a revocation. */
const FRESH_MS = 10_000;
/** How long a miss is cached. */
const MISS_MS = 10_000;
/** Maximum cached misses. */
export const MAX_MISSES = 10_000;

const MAX_ENTRIES = 100_000;
const LOOKUP_BATCH = 1_000;
const REFRESH_BATCH = 5_000;
/** How long a caller waits for a confirmation before the last known answer is used. */
const CONFIRM_WAIT_MS = 1_000;

/** Found; null for a known miss; or a promise of either if the store must be asked. */
export type Answer<Found> = Found | null | Promise<Found | null>;

/** One cached credential. */
export interface CacheEntry<Found> {
  readonly found: Found;
  /** When the store last confirmed it, epoch milliseconds. */
  readonly confirmedAt: number;
}

/** Dependencies of a {@link CredentialCache}. */
export interface CredentialCacheOptions<Found> {
  /** The usable credentials among these hashes, by hash. */
  readonly load: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Found>>;
  /** Whether the store is available now. */
  readonly storeAnswers: () => boolean;
  /** Called when a credential was added or removed. */
  readonly onChange: () => void;
  readonly staleMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Waiting<Found> {
  readonly promise: Promise<Found | null>;
  readonly resolve: (found: Found | null) => void;
  readonly reject: (error: AccountsError) => void;
}

/** See the head of this file. Keys are hashes in hex. */
export class CredentialCache<Found> {
  readonly #options: CredentialCacheOptions<Found>;
  readonly #entries = new Map<string, CacheEntry<Found>>();
  readonly #misses = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting<Found>>();
  #asking = false;
  /** The last refresh that timed out for a caller: later callers do not wait for it again. */
  #slowRefresh: Promise<void> | null = null;
  #refreshing: Promise<void> | null = null;
  /** Number of withdrawals on this node, so that an answer requested before one is not used after it. */
  #withdrawals = 0;

  constructor(options: CredentialCacheOptions<Found>) {
    this.#options = options;
  }

  /** Looks up one credential; rejects with `token_store_down` if only the store could answer and it is unavailable. */
  lookup(hash: string): Answer<Found> {
    const entry = this.#entries.get(hash);
    if (entry !== undefined) {
      const age = this.#options.now() - entry.confirmedAt;
      if (age <= FRESH_MS) return entry.found;
      if (age <= this.#options.staleMs && !this.#options.storeAnswers()) return entry.found;
      return this.#confirm(hash);
    }
    const missedAt = this.#misses.get(hash);
    if (missedAt !== undefined && this.#options.now() - missedAt < MISS_MS) return null;
    return this.#ask(hash);
  }

  /** Adds a credential without asking the store: the caller has just stored it. */
  admit(hash: string, found: Found): void {
    this.#keep(hash, { found, confirmedAt: this.#options.now() });
    this.#options.onChange();
  }

  /** Removes every credential that `matches`: the caller has just withdrawn it in the store. */
  withdraw(matches: (found: Found) => boolean): void {
    this.#withdrawals++;
    for (const [hash, { found }] of this.#entries) if (matches(found)) this.#miss(hash);
    this.#options.onChange();
  }

  /** Confirms all cached credentials. Rejects if the store does not answer; the cache is then unchanged. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Number of cached credentials. */
  get size(): number {
    return this.#entries.size;
  }

  /** The cached credentials, to be stored and read back with {@link restore}. */
  *entries(): Iterable<readonly [hash: string, entry: CacheEntry<Found>]> {
    yield* this.#entries;
  }

  /** Restores stored entries with their age. */
  restore(entries: Iterable<readonly [hash: string, entry: CacheEntry<Found>]>): void {
    const now = this.#options.now();
    // If the clock was set back since, no entry is newer than now.
    for (const [hash, { found, confirmedAt }] of entries) {
      this.#keep(hash, { found, confirmedAt: Math.min(confirmedAt, now) });
    }
  }

  /** Waits briefly for a refresh; not at all while one is in progress that timed out before. */
  async #tryRefresh(): Promise<void> {
    const refresh = this.refresh();
    if (this.#slowRefresh === refresh) return;
    this.#slowRefresh = refresh;
    await within(CONFIRM_WAIT_MS, refresh).catch(() => undefined);
  }

  async #confirm(hash: string): Promise<Found | null> {
    await this.#tryRefresh();
    const entry = this.#entries.get(hash);
    if (entry === undefined) return this.#misses.has(hash) ? null : this.#ask(hash);
    if (this.#options.now() - entry.confirmedAt <= this.#options.staleMs) return entry.found;
    return this.#ask(hash);
  }

  #ask(hash: string): Promise<Found | null> {
    const known = this.#waiting.get(hash);
    if (known !== undefined) return known.promise;
    let settle: Pick<Waiting<Found>, 'resolve' | 'reject'> | undefined;
    const promise = new Promise<Found | null>((resolve, reject) => {
      settle = { resolve, reject };
    });
    if (settle !== undefined) this.#waiting.set(hash, { promise, ...settle });
    void this.#askForWaiting();
    return promise;
  }

  async #askForWaiting(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    // Lookups in the same turn of the event loop join the batch.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const hashes = [...this.#waiting.keys()].slice(0, LOOKUP_BATCH);
      const withdrawals = this.#withdrawals;
      const askedAt = this.#options.now();
      try {
        const loaded = await this.#options.load(hashes);
        if (withdrawals !== this.#withdrawals) continue;
        for (const hash of hashes) this.#answer(hash, loaded.get(hash), askedAt);
        if (loaded.size > 0) this.#options.onChange();
      } catch (cause) {
        const message = 'The credential is not cached and cannot be looked up now; try again';
        this.#settle(hashes, (waiting) =>
          waiting.reject(new AccountsError('token_store_down', message, { cause })),
        );
      }
    }
    this.#asking = false;
  }

  #answer(hash: string, found: Found | undefined, confirmedAt: number): void {
    if (found === undefined) this.#miss(hash);
    else this.#keep(hash, { found, confirmedAt });
    this.#settle([hash], (waiting) => waiting.resolve(found ?? null));
  }

  #settle(hashes: readonly string[], settle: (waiting: Waiting<Found>) => void): void {
    for (const hash of hashes) {
      const waiting = this.#waiting.get(hash);
      this.#waiting.delete(hash);
      if (waiting !== undefined) settle(waiting);
    }
  }

  async #refreshAll(): Promise<void> {
    const known = [...this.#entries];
    for (let start = 0; start < known.length; start += REFRESH_BATCH) {
      const batch = known.slice(start, start + REFRESH_BATCH);
      const askedAt = this.#options.now();
      const loaded = await this.#options.load(batch.map(([hash]) => hash));
      let gone = 0;
      for (const [hash, entry] of batch) {
        // Added or withdrawn meanwhile: that is newer than this answer.
        if (this.#entries.get(hash) !== entry) continue;
        const found = loaded.get(hash);
        if (found !== undefined) this.#entries.set(hash, { found, confirmedAt: askedAt });
        else {
          this.#miss(hash);
          gone++;
        }
      }
      if (gone > 0) this.#options.onChange();
    }
  }

  #keep(hash: string, entry: CacheEntry<Found>): void {
    this.#misses.delete(hash);
    this.#entries.set(hash, entry);
    if (this.#entries.size > MAX_ENTRIES) dropOldest(this.#entries);
  }

  #miss(hash: string): void {
    this.#entries.delete(hash);
    this.#misses.delete(hash);
    this.#misses.set(hash, this.#options.now());
    if (this.#misses.size > MAX_MISSES) dropOldest(this.#misses);
  }

  /** Clears the cached misses, because some may exist again. */
  forgetMisses(): void {
    this.#misses.clear();
  }

  /** Number of cached misses. */
  get misses(): number {
    return this.#misses.size;
  }
}

// A Map iterates in order of insertion.
function dropOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What is known about one kind of credential, by hash, so that the hot path needs no store.
 *
 * An answer confirmed by the store within `FRESH_MS` stands as it is. The owner calls `refresh` more often than
 * that, which asks for all known credentials in few statements, so that in practice every hit is synchronous and
 * a revocation anywhere is seen in time. Should refreshes stop, an older answer is not trusted blindly: it is
 * confirmed first while the store answers, and stands for `staleMs` while it does not.
 *
 * Unknown credentials are looked up in batches, one statement at a time however many callers wait, and the ones
 * that do not exist are remembered for a short while, at most `MAX_MISSES` of them: a flood of made-up tokens
 * costs the store one small statement after another and this process a bounded table.
 */
import { AccountsError } from './accounts-error.js';

/** How long an answer stands without being confirmed: the bound on noticing a revocation. */
const FRESH_MS = 10_000;
/** How long "there is no such credential" stands. */
const MISS_MS = 10_000;
/** How many of those are remembered. */
export const MAX_MISSES = 10_000;

const MAX_ENTRIES = 100_000;
const LOOKUP_BATCH = 1_000;
const REFRESH_BATCH = 5_000;
/** How long a caller waits for a confirmation before the last known answer stands. */
const CONFIRM_WAIT_MS = 1_000;

/** Found, known not to exist, or a promise of either where the store has to be asked. */
export type Answer<Found> = Found | null | Promise<Found | null>;

/** One known credential. */
export interface CacheEntry<Found> {
  readonly found: Found;
  /** When the store last said so, in epoch milliseconds. */
  readonly confirmedAt: number;
}

/** What {@link CredentialCache} needs. */
export interface CredentialCacheOptions<Found> {
  /** The usable credentials among these hashes, by hash. */
  readonly load: (hashes: readonly string[]) => Promise<ReadonlyMap<string, Found>>;
  /** Whether asking the store makes sense now. */
  readonly storeAnswers: () => boolean;
  /** A credential became known or ceased to be. */
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
  /** The refresh that was waited for last: whoever comes after the first one does not wait for it again. */
  #slowRefresh: Promise<void> | null = null;
  #refreshing: Promise<void> | null = null;
  /** Counts what was withdrawn here, so that an answer asked for before is not believed after. */
  #withdrawals = 0;

  constructor(options: CredentialCacheOptions<Found>) {
    this.#options = options;
  }

  /** Looks up one credential; rejects with `token_store_down` where only the store could tell and it cannot. */
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

  /** Makes a credential known without asking: the caller has just stored it. */
  admit(hash: string, found: Found): void {
    this.#keep(hash, { found, confirmedAt: this.#options.now() });
    this.#options.onChange();
  }

  /** Forgets every credential that `matches`: the caller has just withdrawn it in the store. */
  withdraw(matches: (found: Found) => boolean): void {
    this.#withdrawals++;
    for (const [hash, { found }] of this.#entries) if (matches(found)) this.#miss(hash);
    this.#options.onChange();
  }

  /** Confirms everything known. Rejects when the store does not answer; then everything stands as it was. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** How many credentials are known. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is known, for keeping; and taken back by {@link restore}. */
  *entries(): Iterable<readonly [hash: string, entry: CacheEntry<Found>]> {
    yield* this.#entries;
  }

  /** Takes back what was kept, as old as it was then. */
  restore(entries: Iterable<readonly [hash: string, entry: CacheEntry<Found>]>): void {
    const now = this.#options.now();
    // A clock that was set back since makes nothing younger than now.
    for (const [hash, { found, confirmedAt }] of entries) {
      this.#keep(hash, { found, confirmedAt: Math.min(confirmedAt, now) });
    }
  }

  /** Waits a little for a refresh; while one is under way that took too long before, not at all. */
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
    // Whoever asks in this turn of the event loop comes along.
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
        // Admitted or withdrawn in the meantime: that is newer than what was asked.
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

  /** Forgets which credentials do not exist: some may again. */
  forgetMisses(): void {
    this.#misses.clear();
  }

  /** How many misses are remembered now. */
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

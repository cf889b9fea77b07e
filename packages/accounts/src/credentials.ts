/**
 * Authenticates credentials of requests from memory on the hot path. The known credentials are also on disk, so that a
 * node that starts while PostgreSQL is unavailable still accepts them.
 */

import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@weir/base';
import { periodically } from '@weir/base/node';
import { type Postgres, withoutStatement } from '@weir/postgres';
import { CacheFile } from './cache-file.js';
import { type Answer, CredentialCache } from './credential-cache.js';
import { hashCredential, isCredential } from './credential-form.js';
import {
  type ApiKeyFound,
  type IngestTokenFound,
  loadApiKeys,
  loadIngestTokens,
  recordLastUsed,
} from './credential-loader.js';
import { fromFile, toFile } from './kept-credentials.js';

/** Half of the maximum delay of a revocation, so that a slow or failed refresh can be repeated. */
const REFRESH_MS = 5_000;
/** Changes are written together this long after the first. */
const KEEP_DELAY_MS = 1_000;
/** How often mere confirmations are written; a stored answer counts as that much older. */
const KEEP_MS = 5 * 60_000;
const DEFAULT_STALE_MS = 24 * 3_600_000;

/** Options of {@link Credentials}. */
export interface CredentialsOptions {
  readonly postgres: Postgres;
  /** Weir's data directory; contains `credentials-cache.json`. */
  readonly dataDir: string;
  /** The installation's operator key (`weir_ops_…`), if there is one. */
  readonly operatorKey?: string;
  /** How long the last known answer is valid while PostgreSQL is unavailable, milliseconds; default 24 h. */
  readonly tokenStaleMs?: number;
  readonly logger?: Logger;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Looks up credentials.
 *
 * @example const credentials = new Credentials({ postgres, dataDir: '.weir' }); credentials.start(); const answer =
 *   credentials.lookupIngestToken(token); const found = answer instanceof Promise ? await answer : answer; // a hit
 *   costs no promise
 */
export class Credentials {
  readonly #postgres: Postgres;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #operatorHash: Buffer | null;
  readonly #file: CacheFile;
  readonly #ingest: CredentialCache<IngestTokenFound>;
  readonly #api: CredentialCache<ApiKeyFound>;
  #lastUsed = new Map<string, number>();
  #keptAt: number;
  #keeping: NodeJS.Timeout | null = null;
  #stop: (() => void) | null = null;

  constructor(options: CredentialsOptions) {
    const { postgres, dataDir, operatorKey, tokenStaleMs = DEFAULT_STALE_MS } = options;
    this.#postgres = postgres;
    this.#logger = options.logger ?? silentLogger;
    this.#now = options.now ?? Date.now;
    this.#operatorHash = operatorKey === undefined ? null : digest(operatorKey);
    this.#file = new CacheFile(join(dataDir, 'credentials-cache.json'));
    const shared = {
      staleMs: tokenStaleMs,
      now: this.#now,
      storeAnswers: () => postgres.state === 'ready',
      onChange: () => this.#keepSoon(),
    };
    this.#ingest = new CredentialCache({
      ...shared,
      load: (hashes) => loadIngestTokens(postgres.db, hashes),
    });
    this.#api = new CredentialCache({ ...shared, load: (hashes) => loadApiKeys(postgres.db, hashes) });
    this.#keptAt = this.#now();
    this.#restore();
  }

  /**
   * The usable ingest token; null if it is malformed, of another kind, unknown, revoked, or of a deleted project.
   * Synchronous for cached tokens. Rejects with `AccountsError`
   * `token_store_down` if only PostgreSQL could answer.
   */
  lookupIngestToken(plaintext: string): Answer<IngestTokenFound> {
    return isCredential('ingest', plaintext) ? this.#ingest.lookup(hashCredential(plaintext)) : null;
  }

  /** As {@link lookupIngestToken}, for an API key; null if it is expired. */
  lookupApiKey(plaintext: string): Answer<ApiKeyFound> {
    if (!isCredential('api', plaintext)) return null;
    const answer = this.#api.lookup(hashCredential(plaintext));
    return answer instanceof Promise ? answer.then((found) => this.#use(found)) : this.#use(answer);
  }

  /** Whether this is the installation's operator key; compared in constant time. */
  isOperatorKey(plaintext: string): boolean {
    return this.#operatorHash !== null && timingSafeEqual(digest(plaintext), this.#operatorHash);
  }

  /** Number of credentials that this node knows without PostgreSQL. */
  get size(): number {
    return this.#ingest.size + this.#api.size;
  }

  /** Refreshes the cache in the background, until `close`. */
  start(): void {
    if (this.#stop !== null) return;
    const endRefresh = periodically(() => this.#refreshQuietly(), REFRESH_MS);
    const unsubscribe = this.#postgres.onState((state) => {
      if (state === 'ready') void this.#refreshQuietly();
    });
    this.#stop = () => {
      endRefresh();
      unsubscribe();
    };
  }

  /** Confirms all cached credentials with PostgreSQL now. */
  async refresh(): Promise<void> {
    await Promise.all([this.#ingest.refresh(), this.#api.refresh()]);
    if (this.#now() - this.#keptAt >= KEEP_MS) await this.#keep();
    await this.#recordLastUsed();
  }

  /** Stops refreshing and writes the cache to disk. Idempotent. */
  async close(): Promise<void> {
    this.#stop?.();
    this.#stop = null;
    if (this.#postgres.state === 'ready') await this.#recordLastUsed().catch(() => undefined);
    await this.#keep();
  }

  /** Makes a stored token usable on this node at once. */
  admitIngestToken(plaintext: string, found: IngestTokenFound): void {
    this.#ingest.admit(hashCredential(plaintext), found);
  }

  /** Makes a stored key usable on this node at once. */
  admitApiKey(plaintext: string, found: ApiKeyFound): void {
    this.#api.admit(hashCredential(plaintext), found);
  }

  /**
   * Ends a token, a key, or all credentials of a project on this node at once, after the store has ended them. Resolves
   * when a restart would not restore them either.
   */
  async withdraw(ended: { tokenId: string } | { keyId: string } | { projectId: string }): Promise<void> {
    if ('tokenId' in ended) this.#ingest.withdraw((found) => found.tokenId === ended.tokenId);
    else if ('keyId' in ended) this.#api.withdraw((found) => found.keyId === ended.keyId);
    else {
      this.#ingest.withdraw((found) => found.projectId === ended.projectId);
      this.#api.withdraw((found) => found.projectId === ended.projectId);
    }
    await this.#keep();
  }

  /** Looks up misses again, because the credentials of a restored project are valid again. */
  reconsider(): void {
    this.#ingest.forgetMisses();
    this.#api.forgetMisses();
  }

  #use(found: ApiKeyFound | null): ApiKeyFound | null {
    if (found === null) return null;
    const now = this.#now();
    if (found.expiresAt !== null && found.expiresAt.getTime() <= now) return null;
    this.#lastUsed.set(found.keyId, now);
    return found;
  }

  async #refreshQuietly(): Promise<void> {
    if (this.#postgres.state !== 'ready') return;
    try {
      await this.refresh();
    } catch (error) {
      this.#logger.warn(
        { err: withoutStatement(error) },
        'credentials could not be refreshed; the last known answers stand',
      );
    }
  }

  async #recordLastUsed(): Promise<void> {
    const used = this.#lastUsed;
    if (used.size === 0) return;
    this.#lastUsed = new Map();
    await recordLastUsed(this.#postgres.db, used);
  }

  #restore(): void {
    try {
      const { ingest, api } = fromFile(this.#file.read());
      this.#ingest.restore(ingest);
      this.#api.restore(api);
    } catch (error) {
      this.#logger.warn(
        { err: error },
        'the stored credentials cannot be read; they will be looked up again',
      );
    }
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => void this.#keep(), KEEP_DELAY_MS).unref();
  }

  async #keep(): Promise<void> {
    if (this.#keeping !== null) clearTimeout(this.#keeping);
    this.#keeping = null;
    this.#keptAt = this.#now();
    try {
      await this.#file.write(() => toFile({ ingest: this.#ingest.entries(), api: this.#api.entries() }));
    } catch (error) {
      this.#logger.warn({ err: error }, 'credentials cannot be written to disk for a restart');
    }
  }
}

function digest(plaintext: string): Buffer {
  return Buffer.from(hashCredential(plaintext), 'hex');
}

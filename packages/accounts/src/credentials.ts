/**
 * Who may do what: turns a credential from a request into what it opens, from memory on the hot path, kept on
 * the disk so that a node that starts while PostgreSQL is down still knows everybody it knew.
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

/** Half of what a revocation may take, so that a slow or failed refresh has a second chance. */
const REFRESH_MS = 5_000;
/** Changes are kept together this long after the first of them. */
const KEEP_DELAY_MS = 1_000;
/** How often confirmations alone are kept; a kept answer counts as that much older. */
const KEEP_MS = 5 * 60_000;
const DEFAULT_STALE_MS = 24 * 3_600_000;

/** Options of {@link Credentials}. */
export interface CredentialsOptions {
  readonly postgres: Postgres;
  /** Weir's data directory; `credentials-cache.json` is kept in it. */
  readonly dataDir: string;
  /** The installation's operator key (`weir_ops_…`), where it has one. */
  readonly operatorKey?: string;
  /** How long the last known answer stands while PostgreSQL does not answer, in milliseconds; default 24 h. */
  readonly tokenStaleMs?: number;
  readonly logger?: Logger;
  /** Epoch milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Looks credentials up.
 *
 * @example
 * const credentials = new Credentials({ postgres, dataDir: '.weir' });
 * credentials.start();
 * const answer = credentials.lookupIngestToken(token);
 * const found = answer instanceof Promise ? await answer : answer; // a hit costs no promise
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
   * The usable ingest token, or null where there is none such: malformed, of another kind, unknown, revoked, its
   * project deleted. Answers at once (no promise) for what is cached. Rejects with `AccountsError`
   * `token_store_down` where only PostgreSQL could tell.
   */
  lookupIngestToken(plaintext: string): Answer<IngestTokenFound> {
    return isCredential('ingest', plaintext) ? this.#ingest.lookup(hashCredential(plaintext)) : null;
  }

  /** The same for an API key; an expired one is null. */
  lookupApiKey(plaintext: string): Answer<ApiKeyFound> {
    if (!isCredential('api', plaintext)) return null;
    const answer = this.#api.lookup(hashCredential(plaintext));
    return answer instanceof Promise ? answer.then((found) => this.#use(found)) : this.#use(answer);
  }

  /** Whether this is the installation's operator key, in time that does not tell how much of it is right. */
  isOperatorKey(plaintext: string): boolean {
    return this.#operatorHash !== null && timingSafeEqual(digest(plaintext), this.#operatorHash);
  }

  /** How many credentials this node knows without asking PostgreSQL. */
  get size(): number {
    return this.#ingest.size + this.#api.size;
  }

  /** Keeps what is known fresh in the background, until `close`. */
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

  /** Confirms everything known with PostgreSQL now. */
  async refresh(): Promise<void> {
    await Promise.all([this.#ingest.refresh(), this.#api.refresh()]);
    if (this.#now() - this.#keptAt >= KEEP_MS) await this.#keep();
    await this.#recordLastUsed();
  }

  /** Stops refreshing and keeps what is known. Safe to call twice. */
  async close(): Promise<void> {
    this.#stop?.();
    this.#stop = null;
    if (this.#postgres.state === 'ready') await this.#recordLastUsed().catch(() => undefined);
    await this.#keep();
  }

  /** Makes a token that was just stored usable on this node at once. */
  admitIngestToken(plaintext: string, found: IngestTokenFound): void {
    this.#ingest.admit(hashCredential(plaintext), found);
  }

  /** Makes a key that was just stored usable on this node at once. */
  admitApiKey(plaintext: string, found: ApiKeyFound): void {
    this.#api.admit(hashCredential(plaintext), found);
  }

  /**
   * Ends, on this node at once, what was just ended in the store: one token, one key, or all of a project.
   * Resolves when a restart would not bring it back either.
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

  /** Looks up again what was found not to exist: the credentials of a project that was restored do. */
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
      this.#logger.warn({ err: error }, 'the kept credentials cannot be read; they will be looked up again');
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
      this.#logger.warn({ err: error }, 'credentials cannot be kept on the disk for a restart');
    }
  }
}

function digest(plaintext: string): Buffer {
  return Buffer.from(hashCredential(plaintext), 'hex');
}

/**
 * Settings of the whole installation, effective on every node within 2 s: stored in PostgreSQL, polled, read from
 * memory, and also on disk, so that a node that starts while PostgreSQL is unavailable still applies them.
 */

import { join } from 'node:path';
import { type Logger, silentLogger } from '@weir/base';
import { installationSettings, type Postgres, withoutStatement } from '@weir/postgres';
import { sql } from 'drizzle-orm';
import { CacheFile } from './cache-file.js';

const POLL_MS = 1_000;

/** The settings, with their types. */
export interface InstallationSettingValues {
  /** The kill switch: ingest answers 503 `ingest_disabled`. */
  readonly ingestDisabled: boolean;
}

/** Options of {@link InstallationSettings}. */
export interface InstallationSettingsOptions {
  readonly postgres: Postgres;
  /** Weir's data directory; contains `installation-settings.json`. */
  readonly dataDir: string;
  readonly logger?: Logger;
}

/** Reads are synchronous: the last known value. */
export class InstallationSettings {
  readonly #postgres: Postgres;
  readonly #logger: Logger;
  readonly #file: CacheFile;
  readonly #listeners = new Set<(values: InstallationSettingValues) => void>();
  #values: InstallationSettingValues = { ingestDisabled: false };
  /** Number of changes on this node, so that an earlier poll does not undo them. */
  #sets = 0;
  #stop: (() => void) | null = null;
  #polling: Promise<void> | null = null;

  constructor({ postgres, dataDir, logger = silentLogger }: InstallationSettingsOptions) {
    this.#postgres = postgres;
    this.#logger = logger;
    this.#file = new CacheFile(join(dataDir, 'installation-settings.json'));
    try {
      this.#values = parse(this.#file.read());
    } catch (error) {
      this.#logger.warn({ err: error }, 'the stored installation settings cannot be read');
    }
  }

  /** Whether the kill switch is on. */
  get ingestDisabled(): boolean {
    return this.#values.ingestDisabled;
  }

  /** Sets the kill switch: here at once, on every other node within 2 s. Rejects if PostgreSQL is unavailable. */
  async setIngestDisabled(disabled: boolean): Promise<void> {
    await this.#postgres.db
      .insert(installationSettings)
      .values({ key: 'ingest_disabled', value: disabled })
      .onConflictDoUpdate({
        target: installationSettings.key,
        set: { value: disabled, updatedAt: sql`now()` },
      });
    this.#sets++;
    await this.#take({ ingestDisabled: disabled });
  }

  /** Calls `listener` with the values whenever they change; returns a function that removes it. */
  onChange(listener: (values: InstallationSettingValues) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts to follow changes of other nodes, until `close`. */
  start(): void {
    if (this.#stop !== null) return;
    const poll = () => {
      this.#polling ??= this.#poll().finally(() => {
        this.#polling = null;
      });
    };
    const timer = setInterval(poll, POLL_MS);
    timer.unref();
    const unsubscribe = this.#postgres.onState(poll);
    poll();
    this.#stop = () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  /** Stops to follow changes. Idempotent. */
  async close(): Promise<void> {
    this.#stop?.();
    this.#stop = null;
    await this.#polling;
  }

  async #poll(): Promise<void> {
    if (this.#postgres.state !== 'ready') return;
    const sets = this.#sets;
    try {
      const rows = await this.#postgres.db.select().from(installationSettings);
      if (sets === this.#sets)
        await this.#take(parse(Object.fromEntries(rows.map(({ key, value }) => [key, value]))));
    } catch (error) {
      this.#logger.warn(
        { err: withoutStatement(error) },
        'installation settings cannot be read; the last known ones stand',
      );
    }
  }

  async #take(values: InstallationSettingValues): Promise<void> {
    if (values.ingestDisabled === this.#values.ingestDisabled) return;
    this.#values = values;
    for (const listener of this.#listeners) listener(values);
    try {
      await this.#file.write(() => ({ ingest_disabled: this.#values.ingestDisabled }));
    } catch (error) {
      this.#logger.warn({ err: error }, 'installation settings cannot be written to disk for a restart');
    }
  }
}

function parse(content: unknown): InstallationSettingValues {
  const disabled = typeof content === 'object' && content !== null && 'ingest_disabled' in content;
  return { ingestDisabled: disabled && content.ingest_disabled === true };
}

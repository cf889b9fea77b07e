/**
 * The states of all tenants: stored in PostgreSQL, followed by every node, read from memory. Each second a node reads
 * one revision number, and reloads all states when it changed, so that a change reaches every node within 2 s. If a
 * reload fails, the last known states stay valid; they are on disk too.
 */

import { join } from 'node:path';
import type { Logger } from '@weir/base';
import {
  type Postgres,
  projects,
  tenantRuntimeRevision,
  tenantRuntimeState,
  withoutStatement,
} from '@weir/postgres';
import { and, asc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { keepStates, readKeptStates } from './kept-states.js';
import { DEFAULT_TENANT_STATE, STATE_COLUMNS, stateOfRow, type TenantState } from './tenant-state.js';
import { TenantTable } from './tenant-table.js';

const POLL_MS = 1_000;
/** In Weir's data directory. */
const FILE = 'tenant-states.json';

/** Options of {@link TenantStates}. */
export interface TenantStatesOptions {
  readonly postgres: Postgres;
  /** Weir's data directory; contains `tenant-states.json`. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Milliseconds of the gate's clock; default the process's. */
  readonly now?: () => number;
}

/** A tenant in a list. */
export interface ListedTenant {
  readonly projectId: string;
  /** The name of the project. */
  readonly name: string;
  readonly state: TenantState;
}

/** See the head of this file. */
export class TenantStates {
  /** The table that the gate reads. */
  readonly table = new TenantTable();
  readonly #postgres: Postgres;
  readonly #logger: Logger;
  readonly #path: string;
  readonly #now: () => number;
  /** The revision of the states in the table; null forces a reload. */
  #revision: number | null = null;
  #stop: (() => void) | null = null;
  #polling: Promise<void> | null = null;
  /** Whether the file is outdated. */
  #mustKeep = false;
  #keeping: Promise<void> | null = null;

  constructor({ postgres, dataDir, logger, now = () => performance.now() }: TenantStatesOptions) {
    this.#postgres = postgres;
    this.#logger = logger;
    this.#path = join(dataDir, FILE);
    this.#now = now;
    try {
      this.table.replace(readKeptStates(this.#path), now());
    } catch (error) {
      logger.warn({ err: error }, 'the stored tenant states cannot be read');
    }
  }

  /** The state of a project, the default if it has no row; null for an unknown project. */
  async get(projectId: string): Promise<TenantState | null> {
    if (!isId(projectId)) return null;
    const [row] = await this.#postgres.db
      .select({ state: STATE_COLUMNS })
      .from(projects)
      .leftJoin(tenantRuntimeState, eq(tenantRuntimeState.projectId, projects.id))
      .where(and(eq(projects.id, projectId), isNull(projects.deletedAt)));
    if (row === undefined) return null;
    return row.state === null ? DEFAULT_TENANT_STATE : stateOfRow(row.state);
  }

  /** All projects that are not deleted, with their states, oldest first. */
  async list(): Promise<ListedTenant[]> {
    const rows = await this.#postgres.db
      .select({ projectId: projects.id, name: projects.name, state: STATE_COLUMNS })
      .from(projects)
      .leftJoin(tenantRuntimeState, eq(tenantRuntimeState.projectId, projects.id))
      .where(isNull(projects.deletedAt))
      .orderBy(asc(projects.createdAt), asc(projects.id));
    return rows.map(({ projectId, name, state }) => ({
      projectId,
      name,
      state: state === null ? DEFAULT_TENANT_STATE : stateOfRow(state),
    }));
  }

  /**
   * Changes parts of a project's state in one statement: effective here at once and after a restart, on every other
   * node within 2 s.
   * @returns the whole state; null for an unknown project
   */
  async change(projectId: string, changes: Partial<TenantState>): Promise<TenantState | null> {
    const known = await this.get(projectId);
    if (known === null || Object.keys(changes).length === 0) return known;
    const [row] = await this.#postgres.db
      .insert(tenantRuntimeState)
      .values({ projectId, ...changes })
      .onConflictDoUpdate({ target: tenantRuntimeState.projectId, set: changes })
      .returning(STATE_COLUMNS);
    // A poll that began before the change may not have seen it.
    await this.#polling;
    await this.#poll();
    await this.#kept();
    return row === undefined ? null : stateOfRow(row);
  }

  /** Starts to follow changes, until `close`. */
  start(): void {
    if (this.#stop !== null) return;
    const timer = setInterval(() => void this.#poll(), POLL_MS);
    timer.unref();
    const unsubscribe = this.#postgres.onState(() => {
      // After an outage the database may be another one, restored from a backup.
      this.#revision = null;
      void this.#poll();
    });
    void this.#poll();
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
    await this.#kept();
  }

  /** Resolves when the file is current, or cannot be written. */
  async #kept(): Promise<void> {
    await this.#keeping;
    if (this.#mustKeep) await this.#startKeeping();
  }

  /** Never rejects. */
  #poll(): Promise<void> {
    this.#polling ??= this.#reload().finally(() => {
      this.#polling = null;
      if (this.#mustKeep) void this.#startKeeping();
    });
    return this.#polling;
  }

  async #reload(): Promise<void> {
    if (this.#postgres.state !== 'ready') return;
    try {
      const { db } = this.#postgres;
      const [row] = await db.select().from(tenantRuntimeRevision);
      const revision = row?.revision ?? 0;
      if (revision === this.#revision) return;
      // Read after the number, so they are at least as recent.
      const rows = await db.select().from(tenantRuntimeState);
      const states = rows.map(({ projectId, ...state }) => [projectId, stateOfRow(state)] as const);
      this.table.replace(new Map(states), this.#now());
      this.#revision = revision;
      this.#mustKeep = true;
    } catch (error) {
      this.#logger.warn(
        { err: withoutStatement(error) },
        'tenant states cannot be read; the last known ones stand',
      );
    }
  }

  #startKeeping(): Promise<void> {
    this.#keeping ??= this.#keep().finally(() => {
      this.#keeping = null;
    });
    return this.#keeping;
  }

  /** Never rejects. A slow or full disk delays only this method. */
  async #keep(): Promise<void> {
    this.#mustKeep = false;
    try {
      await keepStates(this.#path, this.table.states);
    } catch (error) {
      this.#mustKeep = true;
      this.#logger.warn({ err: error }, 'tenant states cannot be written to disk for a restart');
    }
  }
}

const id = z.guid();

/** Text that is not a UUID is an unknown project, not a database error. */
function isId(text: string): boolean {
  return id.safeParse(text).success;
}

/**
 * Processes in PostgreSQL. Every change locks the row of its process and writes the published change in the same
 * transaction. The store does not know channels or waiting callers.
 */
import { isUnavailable, type Postgres, processes, processOutbox, withoutStatement } from '@weir/postgres';
import { and, asc, desc, eq, isNotNull, lt, lte, sql } from 'drizzle-orm';
import type { ProcessChange, ProcessFilter } from './process.js';
import { changeDocument } from './process-document.js';
import { ProcessError } from './process-error.js';
import { type ProcessRow, processOf } from './process-row.js';
import type { Transition } from './transitions.js';

/** The result of a change. */
export interface Changed {
  readonly row: ProcessRow;
  /** The change to publish; null for none. */
  readonly change: ProcessChange | null;
}

/** Options of a {@link ProcessStore}. */
export interface ProcessStoreOptions {
  readonly postgres: Postgres;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called after each commit. */
  readonly onChanged: (changed: Changed) => void;
  /** Called when PostgreSQL disconnected during a commit, so that the outcome of the change is unknown. */
  readonly onDoubt: (id: string) => void;
}

type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

const IDEMPOTENCY_MS = 24 * 3_600_000;

/** See the head of this file. */
export class ProcessStore {
  readonly #o: ProcessStoreOptions;

  constructor(o: ProcessStoreOptions) {
    this.#o = o;
  }

  /**
   * Stores a new process, or finds the existing one with the same idempotency key.
   * @param check throws if a new process must not be stored
   * @throws ProcessError `idempotency_conflict`, and the errors of `check`
   */
  async insert(
    row: ProcessRow,
    check: () => void,
  ): Promise<{ readonly row: ProcessRow; readonly isNew: boolean }> {
    const { idempotencyKey } = row;
    for (;;) {
      const inserted = await this.#transact(nobodys, async (tx) => {
        if (idempotencyKey !== null) {
          const old = new Date(row.createdAt.getTime() - IDEMPOTENCY_MS);
          await tx
            .update(processes)
            .set({ idempotencyKey: null })
            .where(and(...ofKey(row, idempotencyKey), lte(processes.createdAt, old)));
        }
        const [made] = await tx.insert(processes).values(row).onConflictDoNothing().returning();
        if (made === undefined) return null;
        check();
        await writeChange(tx, made, 'submitted', made.createdAt);
        return { row: made, change: 'submitted' as const };
      });
      if (inserted !== null) return { row: inserted.row, isNew: true };
      if (idempotencyKey === null) throw new Error(`the process id ${row.id} was taken`);
      const [there] = await this.#read((db) =>
        db
          .select()
          .from(processes)
          .where(and(...ofKey(row, idempotencyKey))),
      );
      // The key may have expired between the insert and the read.
      if (there === undefined) continue;
      if (there.idempotencyHash?.equals(row.idempotencyHash ?? Buffer.of()) !== true) {
        throw new ProcessError(
          'idempotency_conflict',
          `the idempotency_key was given with another process, ${there.id}`,
        );
      }
      return { row: there, isNew: false };
    }
  }

  /**
   * Applies the transition that `decide` returns; null leaves the process unchanged.
   * @param projectId the project that must own the process; null for any
   * @throws ProcessError `process_not_found`, and the errors of `decide`
   */
  async change(
    projectId: string | null,
    id: string,
    decide: (row: ProcessRow) => Transition | null,
  ): Promise<ProcessRow> {
    let found: ProcessRow | undefined;
    const changed = await this.#transact(
      () => id,
      async (tx) => {
        [found] = await tx.select().from(processes).where(eq(processes.id, id)).for('update');
        if (found === undefined || (projectId !== null && found.projectId !== projectId)) throw notFound(id);
        const transition = decide(found);
        return transition === null ? null : await this.#apply(tx, found, transition);
      },
    );
    if (changed !== null) return changed.row;
    if (found === undefined) throw notFound(id);
    return found;
  }

  /** Assigns the next waiting process by the transition of `decide`; null if none waits. */
  async take(
    projectId: string,
    executorType: string,
    decide: (row: ProcessRow) => Transition,
  ): Promise<ProcessRow | null> {
    let id = '';
    const taken = await this.#transact(
      () => id,
      async (tx) => {
        const [next] = await tx
          .select()
          .from(processes)
          .where(
            and(
              eq(processes.projectId, projectId),
              eq(processes.executorType, executorType),
              // A literal, because the partial index on waiting processes does not match a parameter.
              sql`state = 'waiting'`,
            ),
          )
          .orderBy(desc(processes.priority), asc(processes.id))
          .limit(1)
          .for('update', { skipLocked: true });
        if (next === undefined) return null;
        id = next.id;
        return await this.#apply(tx, next, decide(next));
      },
    );
    return taken?.row ?? null;
  }

  /**
   * Reads one process, or null.
   * @param settled waits for a change of the process that may be in progress
   */
  async find(id: string, { settled }: { readonly settled: boolean }): Promise<ProcessRow | null> {
    const [row] = await this.#read((db) => {
      const query = db.select().from(processes).where(eq(processes.id, id));
      return settled ? query.for('share') : query;
    });
    return row ?? null;
  }

  /** Lists processes, newest first. */
  async list(projectId: string, { state, name, after }: ProcessFilter, limit: number): Promise<ProcessRow[]> {
    return await this.#read((db) =>
      db
        .select()
        .from(processes)
        .where(
          and(
            eq(processes.projectId, projectId),
            state === undefined ? undefined : eq(processes.state, state),
            name === undefined ? undefined : eq(processes.name, name),
            after === undefined ? undefined : lt(processes.id, after),
          ),
        )
        .orderBy(desc(processes.id))
        .limit(limit),
    );
  }

  /** Processes whose due time has passed, longest overdue first. */
  async due(limit: number): Promise<Pick<ProcessRow, 'id' | 'closedAt'>[]> {
    return await this.#read((db) =>
      db
        .select({ id: processes.id, closedAt: processes.closedAt })
        .from(processes)
        .where(lte(processes.dueAt, new Date(this.#o.now())))
        .orderBy(asc(processes.dueAt))
        .limit(limit),
    );
  }

  /** The earliest due time; null if there is none. */
  async nextDue(): Promise<Date | null> {
    const [next] = await this.#read((db) =>
      db
        .select({ dueAt: processes.dueAt })
        .from(processes)
        .where(isNotNull(processes.dueAt))
        .orderBy(asc(processes.dueAt))
        .limit(1),
    );
    return next?.dueAt ?? null;
  }

  async #apply(tx: Transaction, row: ProcessRow, { change, set }: Transition): Promise<Changed> {
    const [changed] = await tx
      .update(processes)
      .set({ ...set, revision: row.revision + (change === null ? 0 : 1) })
      .where(eq(processes.id, row.id))
      .returning();
    // This transaction holds the lock of the row.
    if (changed === undefined) throw new Error(`process ${row.id} vanished`);
    if (change !== null) await writeChange(tx, changed, change, new Date(this.#o.now()));
    return { row: changed, change };
  }

  /**
   * Runs a change in a transaction; null if nothing changed.
   * @param touched names the process whose state becomes unknown if the commit fails; empty if no process in use can be
   *   affected
   */
  async #transact(
    touched: () => string,
    work: (tx: Transaction) => Promise<Changed | null>,
  ): Promise<Changed | null> {
    let changed: Changed | null;
    try {
      changed = await this.#o.postgres.db.transaction(work);
    } catch (error) {
      const id = touched();
      if (id !== '' && isUnavailable(error)) this.#o.onDoubt(id);
      throw withoutStatement(error);
    }
    if (changed !== null) this.#o.onChanged(changed);
    return changed;
  }

  async #read<T>(work: (db: Postgres['db']) => Promise<T>): Promise<T> {
    try {
      return await work(this.#o.postgres.db);
    } catch (error) {
      throw withoutStatement(error);
    }
  }
}

/** A new process is in no cache yet, so no cached state becomes unknown. */
const nobodys = (): string => '';

/** The error if the project does not have the process. */
export function notFound(id: string): ProcessError {
  return new ProcessError('process_not_found', `there is no process ${JSON.stringify(id.slice(0, 100))}`);
}

function ofKey({ projectId, submitterId }: ProcessRow, key: string) {
  return [
    eq(processes.projectId, projectId),
    eq(processes.submitterId, submitterId),
    eq(processes.idempotencyKey, key),
  ];
}

async function writeChange(tx: Transaction, row: ProcessRow, change: ProcessChange, at: Date): Promise<void> {
  const document = changeDocument(processOf(row), row.revision, change, at);
  await tx
    .insert(processOutbox)
    .values({ projectId: row.projectId, processId: row.id, change, at, document });
}

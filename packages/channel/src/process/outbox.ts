/** Changes that wait to be published: each appears once, in order for each process, and stays until it is removed. */
import { Wakeup } from '@weir/base';
import { type Postgres, processOutbox, withoutStatement } from '@weir/postgres';
import { asc, gt, lte, max, sql } from 'drizzle-orm';
import type { ProcessChange } from './process.js';

/** One change. */
export interface OutboxChange {
  readonly projectId: string;
  readonly processId: string;
  readonly change: ProcessChange;
  readonly at: Date;
  /** One line of JSON. */
  readonly document: string;
}

/** Changes in order of their numbers. */
export interface OutboxPage {
  readonly changes: readonly OutboxChange[];
  /** The position to pass to `remove` after these changes are published. */
  readonly position: number;
}

const PAGE = 200;
/** Advisory lock of the transaction that numbers changes: "weirp" in ASCII. */
const LOCK_KEY = 0x7765697270;

/** See the head of this file. */
export class Outbox {
  readonly #postgres: Postgres;
  readonly #wakeup = new Wakeup();

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  /**
   * The changes after a position, or null. This method assigns the numbers, above all published ones. Numbers assigned
   * at the time of writing would not do: of two transactions, the one with the later number may commit first, and the
   * other change would then be skipped.
   */
  async next(position: number): Promise<OutboxPage | null> {
    const rows = await this.#transact(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_KEY})`);
      await tx.delete(processOutbox).where(lte(processOutbox.seq, position));
      const [numbered] = await tx.select({ last: max(processOutbox.seq) }).from(processOutbox);
      const last = Math.max(position, numbered?.last ?? 0);
      await tx.execute(sql`
        update process_outbox o set seq = n.seq
        from (
          select id, ${last}::bigint + row_number() over (order by id) as seq
          from process_outbox where seq is null order by id limit ${PAGE}
        ) n
        where o.id = n.id`);
      return await tx
        .select()
        .from(processOutbox)
        .where(gt(processOutbox.seq, position))
        .orderBy(asc(processOutbox.seq))
        .limit(PAGE);
    });
    const end = rows.at(-1)?.seq ?? null;
    if (end === null) return null;
    // The cast holds: no other values are written.
    return { changes: rows.map((row) => ({ ...row, change: row.change as ProcessChange })), position: end };
  }

  /** Removes the changes up to a position, after they are published. */
  async remove(position: number): Promise<void> {
    await this.#transact((tx) => tx.delete(processOutbox).where(lte(processOutbox.seq, position)));
  }

  /** Notifies the publisher of a new change. */
  notify(): void {
    this.#wakeup.call();
  }

  /** Resolves when there may be more changes; for one caller. Changes of other nodes are only found after `ms`. */
  async changed(ms: number, signal: AbortSignal): Promise<void> {
    await this.#wakeup.wait(ms, signal);
  }

  async #transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#postgres.db.transaction(work);
    } catch (error) {
      throw withoutStatement(error);
    }
  }
}

type Transaction = Parameters<Parameters<Postgres['db']['transaction']>[0]>[0];

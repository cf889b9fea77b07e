import { Backoff, deadline, pause } from '@weir/base';
import type { Connection } from '../http/connection.js';
import { documentOf } from '../http/document.js';
import { cancelled } from '../http/failure.js';

/**
 * Where events are: `logged` (on disk), `dead_letter` (ClickHouse did not take them yet; the server tries again),
 * `quarantined` (ClickHouse refuses them: an operator decides), `purged` (an operator dropped them), `stored` (queryable).
 */
export type ReceiptState = 'logged' | 'dead_letter' | 'quarantined' | 'purged' | 'stored';

/** What has become of the events of a receipt. */
export interface ReceiptStatus {
  /** The least advanced of its events. */
  readonly state: ReceiptState;
  /** Events in each state. */
  readonly counts: Readonly<Record<ReceiptState, number>>;
  /** When the last one was stored; null before. */
  readonly storedAt: Date | null;
}

/** How to wait for a receipt. */
export interface ReceiptWait {
  /** The longest wait, milliseconds; default no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** From the least to the most advanced. */
const STATES = ['logged', 'dead_letter', 'quarantined', 'purged', 'stored'] as const;
/** The server changes nothing further by itself. */
const FINAL: ReadonlySet<ReceiptState> = new Set(['quarantined', 'purged', 'stored']);

/** Tells where the events of one call of `ingest` are. It is valid for 7 days, for all credentials of its project. */
export class Receipt {
  /** One for each request of the call. Keep them to ask later: `weir.receipt(...ids)`. */
  readonly ids: readonly string[];
  readonly #connection: Connection;

  constructor(connection: Connection, ids: readonly string[]) {
    this.#connection = connection;
    this.ids = ids;
  }

  /** Where the events are now. @throws WeirError `receipt_not_found`, … */
  async get(signal?: AbortSignal): Promise<ReceiptStatus> {
    let least: ReceiptState = 'stored';
    const counts: Record<ReceiptState, number> = {
      logged: 0,
      dead_letter: 0,
      quarantined: 0,
      purged: 0,
      stored: 0,
    };
    let storedAt: Date | null = null;
    for (const id of this.ids) {
      const path = `/api/v1/ingest/receipts/${encodeURIComponent(id)}`;
      const one = documentOf<ReceiptDocument>(await this.#connection.json({ path, signal }));
      if (STATES.indexOf(one.state) < STATES.indexOf(least)) least = one.state;
      for (const state of STATES) counts[state] += one.counts[state] ?? 0;
      const at = one.storedAt == null ? null : new Date(one.storedAt);
      if (at !== null && (storedAt === null || at > storedAt)) storedAt = at;
    }
    return { state: least, counts, storedAt: least === 'stored' ? storedAt : null };
  }

  /**
   * Waits until the server has stored the events, or cannot do so by itself: check `state` of the answer. Events that are
   * `dead_letter` are waited for.
   *
   * ```ts
   * const { receipt } = await weir.ingest([{ event: 'signup', user_id: 'u1' }]);
   * const { state } = await receipt.wait({ timeoutMs: 10_000 }); // 'stored': a query finds it
   * ```
   * @throws WeirError `cancelled` by the signal or after `timeoutMs`
   */
  async wait({ timeoutMs, signal }: ReceiptWait = {}): Promise<ReceiptStatus> {
    const end = timeoutMs === undefined ? null : deadline(timeoutMs, signal);
    const ending = end?.signal ?? signal;
    const backoff = new Backoff({ firstMs: 100, longestMs: 1_000 });
    try {
      for (;;) {
        const status = await this.get(ending);
        if (FINAL.has(status.state)) return status;
        await pause(backoff.next(), ending);
        if (ending?.aborted) throw cancelled(ending);
      }
    } finally {
      end?.release();
    }
  }
}

interface ReceiptDocument {
  readonly state: ReceiptState;
  readonly counts: Readonly<Partial<Record<ReceiptState, number>>>;
  readonly storedAt?: string | null;
}

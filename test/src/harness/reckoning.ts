import type { Load } from './load.js';

/** What of a load is stored. */
export interface Reckoning {
  readonly acknowledged: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** Rows beyond the first of their event_id. */
  readonly twice: number;
  /** Stored and never sent. */
  readonly strange: number;
}

/**
 * Compares.
 * @param stored every stored row's event_id
 */
export function reckon(load: Pick<Load, 'acknowledged' | 'abandoned'>, stored: readonly string[]): Reckoning {
  const unique = new Set(stored);
  let lost = 0;
  for (const id of load.acknowledged) if (!unique.has(id)) lost += 1;
  let strange = 0;
  for (const id of unique) if (!load.acknowledged.has(id) && !load.abandoned.has(id)) strange += 1;
  return { acknowledged: load.acknowledged.size, lost, twice: stored.length - unique.size, strange };
}

/** The reckoning of a load of which nothing was lost and nothing stored twice. */
export function allOnce(load: Pick<Load, 'acknowledged'>): Reckoning {
  return { acknowledged: load.acknowledged.size, lost: 0, twice: 0, strange: 0 };
}

/**
 * Finds the rows that ClickHouse rejects, by bisection, so that one tenant's bad data never blocks another's good data.
 */
import { ClickHouseError } from '@weir/clickhouse';
import { RowSet } from './row-set.js';
import type { EventWriter, InsertContext } from './writer.js';

/** The rows of a set that could not be stored. */
export interface Leftover {
  /** Single rows that ClickHouse rejects, each with its reason. */
  readonly refused: readonly RefusedRow[];
  /** Rows that were not examined further, by project: their project has used up its tries. */
  readonly unsettled: ReadonlyMap<string, RowSet>;
}

/** A set with one row that ClickHouse rejected, and the error. */
interface RefusedRow {
  readonly projectId: string;
  readonly row: RowSet;
  readonly error: ClickHouseError;
}

/**
 * Stores all rows except the bad ones. It separates projects first; then each project with bad rows may cost at most
 * `triesPerProject` rejected inserts before the rest of it is returned unsettled. `context.earlier` names at least the
 * rejected try.
 * @throws ClickHouseError other than bad data
 */
export async function insertAroundBadRows(
  writer: EventWriter,
  set: RowSet,
  context: InsertContext,
  triesPerProject: number,
): Promise<Leftover> {
  const refused: RefusedRow[] = [];
  const unsettled = new Map<string, RowSet>();
  const tries = new Map<string, number>();
  const todo: ReadonlyMap<string, RowSet>[] = [set.byProject()];
  for (let group = todo.pop(); group !== undefined; group = todo.pop()) {
    const [first] = group;
    if (first === undefined) continue;
    const [projectId, own] = first;
    if (group.size === 1 && (tries.get(projectId) ?? 0) >= triesPerProject) {
      const before = unsettled.get(projectId);
      unsettled.set(projectId, before === undefined ? own : RowSet.join([before, own]));
      continue;
    }
    try {
      await writer.insert(RowSet.join([...group.values()]), context);
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.code !== 'bad_data') throw error;
      if (group.size > 1) {
        const entries = [...group];
        todo.push(
          new Map(entries.slice(0, entries.length >>> 1)),
          new Map(entries.slice(entries.length >>> 1)),
        );
        continue;
      }
      tries.set(projectId, (tries.get(projectId) ?? 0) + 1);
      if (own.count === 1) {
        refused.push({ projectId, row: own, error });
      } else {
        for (const half of own.halves()) todo.push(new Map([[projectId, half]]));
      }
    }
  }
  return { refused, unsettled };
}

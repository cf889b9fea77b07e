/** Selects the rows of a batch that become dead letters. */
import type { ClickHouseError } from '@weir/clickhouse';
import type { Leftover } from './bad-rows.js';
import type { Batch } from './batch.js';
import type { NewDeadLetter } from './dead-letters.js';
import type { RowSet } from './row-set.js';

/** A whole batch, one letter for each project. */
export function projectLetters(batch: Batch, reason: string, error: string): NewDeadLetter[] {
  return [...batch.rows.byProject()].map(([projectId, rows]) =>
    projectLetter(batch, projectId, rows, reason, error),
  );
}

/**
 * The rows of a batch that ClickHouse did not accept: bad rows are quarantined one by one, the unsettled rest is
 * retried.
 */
export function leftLetters(batch: Batch, { refused, unsettled }: Leftover): NewDeadLetter[] {
  return [
    ...refused.map(({ projectId, row, error }) =>
      deadRow({ projectId, epoch: batch.epoch, batchId: batch.id }, row, error),
    ),
    ...[...unsettled].map(([projectId, rows]) =>
      projectLetter(batch, projectId, rows, 'refused', 'among rows that ClickHouse refuses'),
    ),
  ];
}

/** A bad row, as a separate quarantined letter. */
export function deadRow(
  batch: Pick<NewDeadLetter, 'projectId' | 'epoch' | 'batchId'>,
  row: RowSet,
  error: ClickHouseError,
): NewDeadLetter {
  const [location] = row.locations();
  const offset = location?.offset ?? 0;
  return {
    projectId: batch.projectId,
    epoch: batch.epoch,
    batchId: batch.batchId,
    firstOffset: offset,
    lastOffset: offset,
    part: (location?.index ?? 0) + 1,
    rows: row,
    error: complaintOf(error),
    reason: reasonOf(error),
    quarantined: true,
  };
}

/** ClickHouse's name of the error, by which letters are grouped. */
export function reasonOf(error: ClickHouseError): string {
  return error.codeName?.toLowerCase() ?? 'bad_data';
}

/** The complete error text of ClickHouse. It may quote the event, so only the project may see it. */
export function complaintOf(error: ClickHouseError): string {
  return error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
}

function projectLetter(
  batch: Batch,
  projectId: string,
  rows: RowSet,
  reason: string,
  error: string,
): NewDeadLetter {
  const { id: batchId, epoch, first: firstOffset, last: lastOffset } = batch;
  return {
    projectId,
    epoch,
    firstOffset,
    lastOffset,
    part: 0,
    batchId,
    rows,
    error,
    reason,
    quarantined: false,
  };
}

/**
 * A record as the log stores it: the values of its columns, in this order, without the values that all records of a
 * start share.
 */
import type { DenialReason, UsageEvent, UsageSource } from '@weir/extension';

/** The columns. None is undefined, because JSON has no such value. */
export type RecordRow = [
  id: string,
  /** Epoch milliseconds. */
  time: number,
  rid: string,
  tenant: string,
  principal: string | null,
  src: UsageSource,
  parent: string | null,
  stack: string,
  durationMs: number,
  isOk: boolean,
  httpStatus: number | null,
  bytesIn: number,
  bytesOut: number,
  memBytes: number,
  fuel: number,
  denial: DenialReason | null,
  billable: boolean,
];

/** Values that the records of one start of a node share. */
export interface NodeStart {
  readonly nodeId: string;
  readonly epoch: string;
}

/** The place of a record. */
export interface RecordPlace {
  readonly logId: string;
  readonly seq: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Converts a row to the record that sinks receive. */
export function eventOfRow(row: RecordRow, { nodeId, epoch }: NodeStart, place: RecordPlace): UsageEvent {
  const [id, time, rid, tenant, principal, src, parent, stack, durationMs, isOk, httpStatus] = row;
  const [, , , , , , , , , , , bytesIn, bytesOut, memBytes, fuel, denial, billable] = row;
  const event: Writable<UsageEvent> = {
    id,
    logId: place.logId,
    seq: place.seq,
    time: new Date(time).toISOString(),
    nodeId,
    epoch,
    version: 1,
    rid,
    tenant,
    src,
    stack,
    durationMs,
    status: isOk ? 'ok' : 'error',
    bytesIn,
    bytesOut,
    memBytes,
    fuel,
    admissionDenied: denial !== null,
    billable,
  };
  if (principal !== null) event.principal = principal;
  if (parent !== null) event.parent = parent;
  if (httpStatus !== null) event.httpStatus = httpStatus;
  if (denial !== null) event.admissionReason = denial;
  // All sinks share this object.
  return Object.freeze(event);
}

import { hash } from 'node:crypto';
import { LogError } from './log-error.js';

/** Content of a delivery id: log epoch, group, entry and attempt number. */
export interface DeliveryName {
  readonly epoch: number;
  /** See {@link groupTag}. */
  readonly group: string;
  readonly offset: number;
  readonly attempt: number;
}

const FORM = /^(\d{1,10})-([\w]{1,16})-(\d{1,16})-(\d{1,10})$/;

export function encodeDeliveryId({ epoch, group, offset, attempt }: DeliveryName): string {
  return `${epoch}-${group}-${offset}-${attempt}`;
}

/** @throws LogError `invalid_request` if the text is not a delivery id */
export function decodeDeliveryId(id: string): DeliveryName {
  const match = FORM.exec(id);
  if (match === null)
    throw new LogError('invalid_request', `not a delivery id: ${JSON.stringify(id.slice(0, 64))}`);
  const [, epoch, group = '', offset, attempt] = match;
  return { epoch: Number(epoch), group, offset: Number(offset), attempt: Number(attempt) };
}

/**
 * The group's name in delivery ids, unique within the log. It is a hash because the group's number would reveal how
 * many streams and groups other projects have created.
 * @param logId id of the log, which clients never see
 * @param number number of the group
 */
export function groupTag(logId: string, number: number): string {
  return hash('sha256', `${logId}/${number}`, 'hex').slice(0, 16);
}

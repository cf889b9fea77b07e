import { hash } from 'node:crypto';
import { LogError } from './log-error.js';

/** What a delivery id says: which entry, handed out for the how-manieth time, by which group of the log of which epoch. */
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

/** @throws LogError `invalid_request` when it is not a delivery id */
export function decodeDeliveryId(id: string): DeliveryName {
  const match = FORM.exec(id);
  if (match === null)
    throw new LogError('invalid_request', `not a delivery id: ${JSON.stringify(id.slice(0, 64))}`);
  const [, epoch, group = '', offset, attempt] = match;
  return { epoch: Number(epoch), group, offset: Number(offset), attempt: Number(attempt) };
}

/**
 * The name that ids have for a group, which no other group of the log ever has. Its number would tell how many streams and
 * groups others have made.
 * @param logId the log's, which no client sees
 * @param number the group's
 */
export function groupTag(logId: string, number: number): string {
  return hash('sha256', `${logId}/${number}`, 'hex').slice(0, 16);
}

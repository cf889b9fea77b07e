import { LogError } from './log-error.js';

/** What a delivery id says: which entry, handed out for the how-manieth time, by which group of the log of which epoch. */
export interface DeliveryName {
  readonly epoch: number;
  /** Its number, which no other group ever has. */
  readonly group: number;
  readonly offset: number;
  readonly attempt: number;
}

const FORM = /^(\d{1,10})-(\d{1,10})-(\d{1,16})-(\d{1,10})$/;

export function encodeDeliveryId({ epoch, group, offset, attempt }: DeliveryName): string {
  return `${epoch}-${group}-${offset}-${attempt}`;
}

/** @throws LogError `cursor_invalid` when it is not a delivery id */
export function decodeDeliveryId(id: string): DeliveryName {
  const match = FORM.exec(id);
  if (match === null)
    throw new LogError('cursor_invalid', `not a delivery id: ${JSON.stringify(id.slice(0, 64))}`);
  const [epoch = 0, group = 0, offset = 0, attempt = 0] = match.slice(1).map(Number);
  return { epoch, group, offset, attempt };
}

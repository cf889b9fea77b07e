import { LogError } from './log-error.js';

/** What a delivery id says: which entry, handed out for the how-manieth time, by the log of which epoch. */
export interface DeliveryName {
  readonly epoch: number;
  readonly offset: number;
  readonly attempt: number;
}

const FORM = /^(\d{1,10})-(\d{1,16})-(\d{1,10})$/;

export function encodeDeliveryId(name: DeliveryName): string {
  return `${name.epoch}-${name.offset}-${name.attempt}`;
}

/** @throws LogError `cursor_invalid` when it is not a delivery id */
export function decodeDeliveryId(id: string): DeliveryName {
  const match = FORM.exec(id);
  if (match === null)
    throw new LogError('cursor_invalid', `not a delivery id: ${JSON.stringify(id.slice(0, 64))}`);
  return { epoch: Number(match[1]), offset: Number(match[2]), attempt: Number(match[3]) };
}

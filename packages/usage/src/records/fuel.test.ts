import { expect, it } from 'vitest';
import { fuelOfDeliveries, fuelOfMessages } from './fuel.js';

it('costs one for a message, and one for each whole 64 KiB of all payloads together', () => {
  const of = (count: number, bytes: number) => fuelOfMessages(count, bytes);
  expect([of(0, 0), of(3, 100), of(1, 65_535), of(1, 65_536), of(2, 200_000)]).toEqual([0, 3, 1, 2, 5]);
});

it('costs one for ten deliveries', () => {
  expect([fuelOfDeliveries(9), fuelOfDeliveries(10), fuelOfDeliveries(29)]).toEqual([0, 1, 2]);
});

import { expect, it } from 'vitest';
import { MAX_TICKETS, TICKET_MS, Tickets } from './tickets.js';

it('accepts a ticket once, and not after a minute', () => {
  let now = 0;
  const tickets = new Tickets(() => now);
  const [first, second] = [tickets.issue('p', 'k1') ?? '', tickets.issue('p', 'k2') ?? ''];
  expect(first).not.toBe(second);
  now = TICKET_MS - 1;
  expect([tickets.redeem(first), tickets.redeem(first)]).toEqual(['k1', null]);
  now = TICKET_MS;
  expect([tickets.redeem(second), tickets.redeem('weir_tkt_')]).toEqual([null, null]);
});

it('limits those of a project until they are used or expire', () => {
  let now = 0;
  const tickets = new Tickets(() => now);
  const issued = Array.from({ length: MAX_TICKETS }, () => tickets.issue('p', 'k'));
  expect([tickets.issue('p', 'k'), tickets.issue('q', 'k')]).toEqual([null, expect.any(String)]);
  tickets.redeem(issued[5] ?? '');
  expect([tickets.issue('p', 'k'), tickets.issue('p', 'k')]).toEqual([expect.any(String), null]);
  now = TICKET_MS;
  expect(tickets.issue('p', 'k')).not.toBeNull();
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lease } from './admission.js';
import { DEFAULT_TENANT_STATE, type TenantState } from './tenant-state.js';
import { TenantTable } from './tenant-table.js';

const state = (changes: Partial<TenantState>): TenantState => ({ ...DEFAULT_TENANT_STATE, ...changes });
const only = (changes: Partial<TenantState>) => new Map([['p', state(changes)]]);

describe('leases', () => {
  it('never exceed the limit, and are released once each, across reloads', () => {
    const action = fc.oneof(
      fc.constant('lease' as const),
      fc.constant('release' as const),
      fc.constant('release again' as const),
      fc.nat(5),
      fc.constant('no row' as const),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const table = new TenantTable();
        const held: Lease[] = [];
        let last: Lease | undefined;
        let limit = 3;
        table.replace(only({ concurrencyLimit: limit }), 0);
        for (const one of actions) {
          if (one === 'lease') {
            const lease = table.find('p')?.lease() ?? null;
            if (limit === 0) expect(lease).toBeNull();
            else if (held.length >= limit) expect(lease).toBe('full');
            else expect(lease).not.toBe('full');
            if (lease !== null && lease !== 'full') held.push(lease);
          } else if (one === 'release') {
            last = held.shift();
            last?.release();
          } else if (one === 'release again') {
            last?.release();
          } else {
            limit = one === 'no row' ? 0 : one;
            table.replace(one === 'no row' ? new Map() : only({ concurrencyLimit: limit }), 0);
          }
          expect(table.find('p')?.running ?? 0).toBe(held.length);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('a reload', () => {
  const take = (table: TenantTable, now: number) => table.find('p')?.takeToken(now);

  it('keeps the tokens of a tenant, also when its rate changes', () => {
    const table = new TenantTable();
    table.replace(only({ rateLimitRps: 1, rateBurst: 2 }), 0);
    expect([take(table, 0), take(table, 0), take(table, 0)]).toEqual([0, 0, 1_000]);
    table.replace(only({ rateLimitRps: 1, rateBurst: 2 }), 0);
    expect(take(table, 0)).toBe(1_000);
    // Half a token was refilled at the old rate; the rest is refilled at the new one.
    table.replace(only({ rateLimitRps: 10, rateBurst: 100 }), 500);
    expect(take(table, 500)).toBe(50);
    expect(take(table, 550)).toBe(0);
    // A smaller burst applies at once.
    table.replace(only({ rateLimitRps: 10, rateBurst: 3 }), 60_000);
    const took = Array.from({ length: 4 }, () => take(table, 60_000));
    expect(took).toEqual([0, 0, 0, 100]);
  });

  it('removes a limit, and a tenant without a row', () => {
    const table = new TenantTable();
    table.replace(only({ rateLimitRps: 1, rateBurst: 1, suspended: true }), 0);
    expect(table.find('p')?.refusal).toMatchObject({ code: 'suspended' });
    table.replace(only({}), 0);
    expect(table.find('p')?.refusal).toBeNull();
    expect([take(table, 0), take(table, 0), take(table, 0)]).toEqual([0, 0, 0]);
    table.replace(new Map(), 0);
    expect(table.find('p')).toBeUndefined();
  });
});

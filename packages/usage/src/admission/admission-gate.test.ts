import { silentLogger } from '@weir/base';
import type { Entitlement, LimitKey, RateLimiter, Surface } from '@weir/extension';
import { describe, expect, it } from 'vitest';
import type { Admission } from './admission.js';
import { AdmissionGate, type AdmissionGateOptions, SYSTEM_TENANT } from './admission-gate.js';
import { Rate } from './rate.js';
import { SeamCaller, type SeamFailure } from './seam-caller.js';
import { DEFAULT_TENANT_STATE, type TenantState } from './tenant-state.js';
import { TenantTable } from './tenant-table.js';

const key = (surface: Surface = 'query', projectId = 'p', tokenId = 't'): LimitKey => ({
  surface,
  projectId,
  userId: '',
  tokenId,
  remoteIp: '192.0.2.1',
});

function gate(
  state: Partial<TenantState> | null,
  options: Partial<AdmissionGateOptions> = {},
  failure: SeamFailure = 'open',
): AdmissionGate {
  const tenants = new TenantTable();
  if (state !== null) tenants.replace(new Map([['p', { ...DEFAULT_TENANT_STATE, ...state }]]), 0);
  return new AdmissionGate({
    tenants,
    seams: new SeamCaller(failure, silentLogger, () => {}),
    rateLimiter: null,
    entitlement: null,
    rates: {},
    isDraining: () => false,
    now: () => 0,
    ...options,
  });
}

/** The answer of a gate with synchronous parts; it must be synchronous too. */
function now(answer: Admission | Promise<Admission>): Admission {
  if (answer instanceof Promise) throw new Error('the answer is a promise');
  return answer;
}
const codeOf = (answer: Admission) => (answer.ok ? 'ok' : answer.code);

describe('the order of refusals', () => {
  /** All reasons for a refusal, in order. */
  const refusing = {
    suspended: true,
    denyReason: 'unpaid',
    rateLimitRps: 1,
    rateBurst: 1,
    concurrencyLimit: 1,
  };

  it('is that of the specification, the first one wins', () => {
    let draining = true;
    let isLimited = true;
    let state: Partial<TenantState> = refusing;
    const tenants = new TenantTable();
    const set = (next: Partial<TenantState>) => {
      state = next;
      tenants.replace(new Map([['p', { ...DEFAULT_TENANT_STATE, ...state }]]), 0);
    };
    set(refusing);
    let clock = 0;
    const one = gate(null, {
      tenants,
      isDraining: () => draining,
      rateLimiter: { allow: () => ({ ok: !isLimited, retryAfterMs: 7_000 }) },
      entitlement: { allowAnalysis: () => ({ ok: false, reason: 'the trial has ended' }) },
      now: () => clock,
    });
    const ask = (surface: Surface = 'query') => now(one.admit(key(surface)));
    expect(ask()).toMatchObject({ code: 'draining', retryAfterMs: 2_000 });
    draining = false;
    expect(ask()).toMatchObject({ code: 'suspended', detail: 'unpaid', retryAfterMs: 0 });
    set({ ...refusing, denyStatus: 402 });
    expect(ask()).toMatchObject({ code: 'payment_required', detail: 'unpaid' });
    set({ ...refusing, suspended: false });
    expect(ask()).toMatchObject({ code: 'rate_limited', retryAfterMs: 7_000 });
    isLimited = false;
    const held = ask('ingest');
    expect(held.ok).toBe(true);
    expect(ask()).toMatchObject({ code: 'rate_limited', retryAfterMs: 1_000 });
    clock = 1_000;
    expect(ask()).toMatchObject({ code: 'at_capacity' });
    if (held.ok) held.lease?.release();
    expect(ask()).toMatchObject({ code: 'payment_required', detail: 'the trial has ended' });
    expect(ask('ingest').ok).toBe(true);
  });

  it('is disabled like suspended, with its own text', () => {
    expect(now(gate({ enabled: false }).admit(key()))).toMatchObject({
      code: 'suspended',
      detail: 'this project is disabled',
    });
  });

  it('does not apply to requests without a tenant', () => {
    const one = gate(null, { isDraining: () => true });
    expect(now(one.admit(key('query', SYSTEM_TENANT))).ok).toBe(true);
    expect(now(one.admit(key('query', 'p'))).ok).toBe(false);
  });
});

describe('a refused request', () => {
  const rates = { query: new Rate(1, 1) };

  it('returns its tokens when the tenant is at capacity', () => {
    const one = gate(
      { rateLimitRps: 1, rateBurst: 2, concurrencyLimit: 1 },
      { rates: { query: new Rate(1, 2) } },
    );
    const held = now(one.admit(key()));
    for (let i = 0; i < 5; i += 1) expect(codeOf(now(one.admit(key())))).toBe('at_capacity');
    if (held.ok) held.lease?.release();
    expect(codeOf(now(one.admit(key())))).toBe('ok');
    // Both buckets are empty now: the tokens were returned, not created.
    expect(codeOf(now(one.admit(key())))).toBe('rate_limited');
  });

  it('returns its tokens and its lease when it is not entitled', () => {
    let ok = false;
    const entitlement: Entitlement = { allowAnalysis: () => ({ ok }) };
    const one = gate({ rateLimitRps: 1, rateBurst: 1, concurrencyLimit: 1 }, { rates, entitlement });
    for (let i = 0; i < 5; i += 1) expect(codeOf(now(one.admit(key())))).toBe('payment_required');
    ok = true;
    expect(codeOf(now(one.admit(key())))).toBe('ok');
    expect(codeOf(now(one.admit(key())))).toBe('rate_limited');
  });

  it("returns the credential's token when the tenant has none left", () => {
    let ms = 0;
    // The tenant's token is refilled after a second, the credential's two long after this test.
    const one = gate(
      { rateLimitRps: 1, rateBurst: 1 },
      { rates: { query: new Rate(0.001, 2) }, now: () => ms },
    );
    const ask = () => codeOf(now(one.admit(key())));
    expect(ask()).toBe('ok');
    for (let i = 0; i < 5; i += 1) expect(ask()).toBe('rate_limited');
    ms += 1_000;
    expect(ask()).toBe('ok');
    // The credential's two tokens are used now: they were returned, not created.
    ms += 1_000;
    expect(ask()).toBe('rate_limited');
  });
});

describe('the shipped limit', () => {
  it('applies to each credential of each project, on its own surface', () => {
    const one = gate(null, { rates: { ingest: new Rate(1, 1) } });
    const ask = (...of: Parameters<typeof key>) => codeOf(now(one.admit(key(...of))));
    expect(ask('ingest')).toBe('ok');
    expect(ask('ingest')).toBe('rate_limited');
    expect(ask('ingest', 'p', 'other')).toBe('ok');
    expect(ask('ingest', 'other', 't')).toBe('ok');
    expect([ask('query'), ask('query'), ask('query')]).toEqual(['ok', 'ok', 'ok']);
  });
});

describe('seams', () => {
  it('decide nothing after the server has begun to drain', async () => {
    let isDraining = false;
    const one = gate(null, {
      rateLimiter: { allow: async () => ({ ok: true }) },
      isDraining: () => isDraining,
    });
    const asked = one.admit(key());
    isDraining = true;
    expect(codeOf(await asked)).toBe('draining');
  });

  it('that are not plugged in refuse nothing, even if a failure means refusal', () => {
    expect(codeOf(now(gate(null, {}, 'closed').admit(key('query'))))).toBe('ok');
  });

  it('are called once for each request, with the whole key, and never for the entitlement of ingest', async () => {
    const asked: string[] = [];
    const rateLimiter: RateLimiter = {
      allow: async (limitKey) => {
        asked.push(JSON.stringify(limitKey));
        return { ok: true };
      },
    };
    const entitlement: Entitlement = {
      allowAnalysis: async (projectId) => {
        asked.push(projectId);
        return { ok: true };
      },
    };
    const one = gate(null, { rateLimiter, entitlement });
    for (const surface of ['ingest', 'query', 'mcp'] as const) {
      expect(await one.admit(key(surface))).toEqual({ ok: true, lease: null });
    }
    const keys = (['ingest', 'query', 'mcp'] as const).map((surface) => JSON.stringify(key(surface)));
    expect(asked).toEqual([keys[0], keys[1], 'p', keys[2], 'p']);
  });

  const failing: readonly [string, RateLimiter & Entitlement][] = [
    [
      'throw',
      {
        allow: () => {
          throw new Error('broken');
        },
        allowAnalysis: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'reject',
      {
        allow: () => Promise.reject(new Error('broken')),
        allowAnalysis: () => Promise.reject(new Error('broken')),
      },
    ],
    ['never answer', { allow: () => new Promise(() => {}), allowAnalysis: () => new Promise(() => {}) }],
    [
      'that answer nonsense',
      // The cast is deliberate: a wrapper may be written without types.
      { allow: () => null, allowAnalysis: async () => ({}) } as unknown as RateLimiter & Entitlement,
    ],
  ];
  it.each(failing)('that %s count as WEIR_SEAM_FAILURE says', async (_, seam) => {
    const open = gate(null, { rateLimiter: seam, entitlement: seam }, 'open');
    expect(codeOf(await open.admit(key()))).toBe('ok');
    expect(codeOf(await gate(null, { rateLimiter: seam }, 'closed').admit(key()))).toBe('rate_limited');
    expect(codeOf(await gate(null, { entitlement: seam }, 'closed').admit(key()))).toBe('payment_required');
  });

  it('are abandoned after 50 ms, and reported', async () => {
    let aborted = false;
    const rateLimiter: RateLimiter = {
      allow: (_, signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      },
    };
    const started = performance.now();
    await gate(null, { rateLimiter }).admit(key());
    const waited = performance.now() - started;
    expect(waited).toBeGreaterThanOrEqual(49);
    expect(waited).toBeLessThan(1_000);
    expect(aborted).toBe(true);
  });
});

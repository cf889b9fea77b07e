/**
 * What admission costs a request: decisions of the gate with 10,000 tenants, each in its turn. Decisions are timed one by
 * one, so the clock's own cost is in them; the baseline is a function that admits everything, timed the same way.
 */

import { randomUUID } from 'node:crypto';
import { cpus } from 'node:os';
import { silentLogger } from '@weir/base';
import type { LimitKey, RateLimiter } from '@weir/extension';
import {
  type Admission,
  AdmissionGate,
  type AdmissionGateOptions,
  DEFAULT_TENANT_STATE,
  Rate,
  SeamCaller,
  TenantTable,
} from '@weir/usage';

const TENANTS = 10_000;
const DECISIONS = 1_000_000;
const ADMITTED: Admission = { ok: true, lease: null };

interface Case {
  readonly name: string;
  readonly admit: (key: LimitKey) => Admission | Promise<Admission>;
}

/** Runs the benchmark and prints the table. */
export async function benchAdmission(): Promise<void> {
  const keys = Array.from({ length: TENANTS }, (): LimitKey => {
    const [projectId, tokenId] = [randomUUID(), randomUUID()];
    return { surface: 'ingest', projectId, userId: '', tokenId, remoteIp: '192.0.2.1' };
  });
  console.log(
    `# Admission: ${TENANTS.toLocaleString('en')} tenants, ${DECISIONS.toLocaleString('en')} decisions a case`,
  );
  console.log(`\n${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}\n`);
  console.log('| case | p50 µs | p99 µs | p99.9 µs | refused |\n|---|---|---|---|---|');
  for (const one of casesOf(keys)) {
    measure(one, keys, DECISIONS / 10);
    const { nanoseconds, refused } = measure(one, keys, DECISIONS);
    const at = (share: number) =>
      ((nanoseconds[Math.floor(share * nanoseconds.length)] ?? 0) / 1000).toFixed(2);
    console.log(
      `| ${one.name} | ${at(0.5)} | ${at(0.99)} | ${at(0.999)} | ${refused.toLocaleString('en')} |`,
    );
  }
  console.log(`\nA reload of all states takes ${reloadMs(keys).toFixed(1)} ms in memory.`);
}

function casesOf(keys: readonly LimitKey[]): Case[] {
  const limited = statesOf(keys, { rateLimitRps: 1_000, concurrencyLimit: 10 });
  const rates = { ingest: new Rate(1_000) };
  const plugged: RateLimiter = { allow: () => ({ ok: true }) };
  return [
    { name: 'baseline: admits everything', admit: () => ADMITTED },
    { name: 'nothing decided', admit: gate(new TenantTable(), {}) },
    { name: 'all suspended', admit: gate(statesOf(keys, { suspended: true }), {}) },
    { name: 'rate, burst and concurrency of each tenant', admit: gate(limited, {}) },
    { name: 'the same, and a limit of each credential', admit: gate(limited, { rates }) },
    { name: 'the same, and a plugged-in limiter', admit: gate(limited, { rates, rateLimiter: plugged }) },
    {
      name: 'limits that most decisions meet',
      admit: gate(statesOf(keys, { rateLimitRps: 1 }), { rates: { ingest: new Rate(2) } }),
    },
  ];
}

function statesOf(keys: readonly LimitKey[], state: Partial<typeof DEFAULT_TENANT_STATE>): TenantTable {
  const table = new TenantTable();
  const states = keys.map(({ projectId }) => [projectId, { ...DEFAULT_TENANT_STATE, ...state }] as const);
  table.replace(new Map(states), performance.now());
  return table;
}

function gate(tenants: TenantTable, options: Partial<AdmissionGateOptions>): Case['admit'] {
  const seams = new SeamCaller('open', silentLogger, () => {});
  const rest = { rateLimiter: null, entitlement: null, rates: {}, isDraining: () => false };
  const made = new AdmissionGate({ tenants, seams, ...rest, ...options });
  return (key) => made.admit(key);
}

function measure(
  { admit }: Case,
  keys: readonly LimitKey[],
  decisions: number,
): { nanoseconds: Float64Array; refused: number } {
  const nanoseconds = new Float64Array(decisions);
  let refused = 0;
  for (let i = 0; i < decisions; i += 1) {
    // A step that visits all, in no order that memory likes.
    const key = keys[(i * 7_919) % keys.length];
    if (key === undefined) continue;
    const started = process.hrtime.bigint();
    const answer = admit(key);
    nanoseconds[i] = Number(process.hrtime.bigint() - started);
    if (answer instanceof Promise) throw new Error('a decision from memory is no promise');
    if (answer.ok) answer.lease?.release();
    else refused += 1;
  }
  return { nanoseconds: nanoseconds.sort(), refused };
}

function reloadMs(keys: readonly LimitKey[]): number {
  const table = statesOf(keys, { rateLimitRps: 10 });
  const states = new Map(table.states);
  const started = performance.now();
  table.replace(states, started);
  return performance.now() - started;
}

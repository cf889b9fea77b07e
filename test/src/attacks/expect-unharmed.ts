import { expect } from 'vitest';
import { waitUntil } from '../harness/wait-until.js';
import type { Attacked, AttackedServer } from './attacked-server.js';
import { memoryOf } from './watch.js';

const MIB = 1024 * 1024;

/** What holds for other clients and for the server during and after every attack. */
export async function expectUnharmed(server: AttackedServer, attacked: Attacked): Promise<void> {
  const { livez, neighbour, controlLivez, controlNeighbour, turns, peakBytes } = attacked;
  for (const [seen, control] of [
    [livez, controlLivez],
    [neighbour, controlNeighbour],
  ] as const) {
    expect(seen.failures).toEqual({});
    expect(seen.p99).toBeLessThan(control.p99 + 100);
    expect(seen.worst).toBeLessThan(control.worst + 1_000);
  }
  expect(turns.cpuMs).toBeLessThanOrEqual(50);
  // Ingest of ordinary events allocates less than it did, long answers of queries do not: honest load is no longer the largest.
  expect(peakBytes).toBeLessThanOrEqual(server.honestBytes * 1.15);
  await waitUntil(
    'the memory to be free again',
    () => memoryOf(server.weir.tree) <= server.idleBytes + 100 * MIB,
    30_000,
  );
}

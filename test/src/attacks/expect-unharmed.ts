import { expect } from 'vitest';
import { waitUntil } from '../harness/wait-until.js';
import type { Attacked, AttackedServer } from './attacked-server.js';
import { memoryOf } from './watch.js';

const MIB = 1024 * 1024;
/** What the allocator of the engine may keep after long answers, beside the 100 MiB of the server. */
const RETAINED_BYTES = 250 * MIB;

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
  // The allocator of the engine releases memory in steps: two runs of the same load differ by a twentieth.
  expect(peakBytes).toBeLessThanOrEqual(server.honestBytes * 1.1);
  await waitUntil(
    'the memory to be free again',
    () => memoryOf(server.weir.tree) <= server.idleBytes + RETAINED_BYTES,
    30_000,
  );
}

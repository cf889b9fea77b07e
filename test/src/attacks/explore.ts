/**
 * Looks for inputs that hold the event loop, one request after the other: `explore.js SEED COUNT`. Prints those with the longest
 * turn, by CPU time. For use by hand, after a change of what reads requests.
 */
import { Random } from '../harness/random.js';
import { AttackedServer } from './attacked-server.js';
import { draw } from './generator.js';

const [, , seed = '1', count = '200'] = process.argv;
const server = await AttackedServer.start();
const random = new Random(Number(seed));
const found: { readonly cpuMs: number; readonly name: string; readonly status: number }[] = [];
for (let i = 0; i < Number(count); i += 1) {
  const drawn = draw(random, server.target);
  await server.weir.turns();
  const status = await drawn.send();
  found.push({ ...(await server.weir.turns()), name: drawn.name, status });
}
await server.stop();
found.sort((a, b) => b.cpuMs - a.cpuMs);
for (const { cpuMs, name, status } of found.slice(0, 25)) {
  process.stdout.write(`${cpuMs.toFixed(1).padStart(7)} ms  ${status}  ${name}\n`);
}
process.exit();

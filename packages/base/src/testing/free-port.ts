import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range from which kernels choose ports for `listen(0)` and for outgoing connections (from 32,768 on Linux,
 * from
 * 49,152 on macOS). A port of that range may be in use again before its server listens.
 */
const FIRST = 10_000;
const LAST = 32_000;
const PORTS_OF_A_PROCESS = 20;

let used = 0;

/** A port of 127.0.0.1 on which no process listens. Concurrent test processes get different ones. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < LAST - FIRST; tried++) {
    const port = FIRST + ((process.pid * PORTS_OF_A_PROCESS + used++) % (LAST - FIRST));
    if (await isFree(port)) return port;
  }
  throw new Error(`every port from ${FIRST} to ${LAST} is in use`);
}

async function isFree(port: number): Promise<boolean> {
  const listener = createServer().listen(port, '127.0.0.1');
  try {
    await once(listener, 'listening');
  } catch {
    return false;
  }
  listener.close();
  await once(listener, 'close');
  return true;
}

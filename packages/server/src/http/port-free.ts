import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/schema.js';

/**
 * Checks that the server can listen on its address. Without this check, a server that cannot listen would create a data
 * directory and a first project before it fails.
 *
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function assertPortFree({ WEIR_HOST: host, WEIR_PORT: port }: Config): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  probe.listen({ host, port });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

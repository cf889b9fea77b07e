import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/schema.js';

/**
 * Listens on the server's address for a moment. Without this check a server that cannot listen would first make a data
 * directory and a first project, and only then fail.
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

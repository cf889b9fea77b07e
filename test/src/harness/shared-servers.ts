/**
 * Runs in Vitest's own process, which outlives the process of each test file: starts a server for a worker when its first
 * file asks, and ends all of them after the last file.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { WeirProcess } from './weir-process.js';

/** A server that a worker's files share. */
export interface SharedServer {
  readonly port: number;
  readonly operatorKey: string;
}

/** Settings of shared servers, beyond the defaults of the harness. */
const SHARED_ENVIRONMENT = { WEIR_STREAM_LONG_POLL: '2s' };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = new Map<string, Promise<WeirProcess>>();
  const desk = createServer((request, response) => {
    const worker = request.url ?? '';
    const server = servers.get(worker) ?? new WeirProcess(SHARED_ENVIRONMENT).start();
    servers.set(worker, server);
    server.then(
      ({ port, operatorKey }) => response.end(JSON.stringify({ port, operatorKey } satisfies SharedServer)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  desk.listen(0, '127.0.0.1');
  await once(desk, 'listening');
  // The cast holds: a TCP server's address is an object.
  project.provide('sharedServers', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
  return async () => {
    desk.close();
    for (const server of await Promise.allSettled(servers.values())) {
      if (server.status === 'fulfilled') await server.value.dispose();
    }
  };
}

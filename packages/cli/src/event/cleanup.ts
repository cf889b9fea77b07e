/** Cleanup after consumers that are gone: a process that knows their keys, and has the identity they had. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { isJsonObject } from '@weir/event';
import type { Lease } from '@weir/event/bus';
import type { BusApp } from '@weir/event/client';
import { ApiClient } from '../api/client.js';
import { usageError } from '../cli-error.js';
import type { Environment } from '../connection/sources.js';
import type { Invocation } from '../invocation.js';
import { ownCommand } from './bus-command.js';
import { hookApi } from './hook-api.js';
import { loadRegistry, requireKey } from './key-registry.js';

/** How long a cleanup may take. */
const CLEANUP_MS = 60_000;

/**
 * Runs a key's `cleanup` in a process of its own.
 *
 * @throws Error with what that process said.
 */
export async function cleanUpIn(
  app: BusApp,
  env: Environment,
  lease: Lease,
  credential: string | undefined,
): Promise<void> {
  const identity = credential === undefined ? {} : { WEIR_KEY: credential };
  const { file, args, env: own } = ownCommand(['_cleanup'], app, { ...env, ...identity });
  const child = spawn(file, args, {
    env: own,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: CLEANUP_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(lease));
  const [said, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(said.trim() || `the process ended with ${signal ?? code}`);
}

/** `weir event _cleanup`: runs the cleanup of the lease on standard input. */
export async function runCleanup(invocation: Invocation): Promise<void> {
  const { context } = invocation;
  // The cast holds: what is read is checked below, as far as it is used.
  const lease = JSON.parse(await text(context.stdin)) as Lease;
  if (!isJsonObject(lease.params ?? {})) throw usageError('standard input has no lease');
  const key = requireKey(await loadRegistry(lease.keys_file, context.cwd), lease.event_key);
  const { server, key: credential } = await invocation.connection();
  const api = hookApi(new ApiClient(server, credential));
  // They were a consumer's params, as its key's normalizeParams left them.
  const params = (lease.params ?? {}) as Parameters<NonNullable<typeof key.cleanup>>[1];
  await key.cleanup?.(api, params, lease.state);
}

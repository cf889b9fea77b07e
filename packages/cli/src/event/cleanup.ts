/** Cleanup after consumers that are gone: a process that knows their keys, and has the identity they had. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Lease } from '@weir/bus';
import type { BusApp } from '@weir/bus/client';
import { isJsonObject } from '@weir/event';
import { ApiClient } from '../api/client.js';
import { usageError } from '../cli-error.js';
import type { Environment } from '../connection/sources.js';
import type { Invocation } from '../invocation.js';
import { ownCommand } from './bus-command.js';
import { hookApi } from './hook-api.js';
import { loadKeys, requireKey } from './key-registry.js';

/** How long a cleanup may take. */
const CLEANUP_MS = 60_000;

/**
 * Runs a key's `cleanup` in a process of its own, which ends with this one.
 *
 * @param credential API key that hooks have; without one, that of the profile
 * @param signal ends it
 * @throws Error with what that process said.
 */
export async function cleanUpIn(
  app: BusApp,
  env: Environment,
  lease: Lease,
  credential: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { file, args, env: own } = ownCommand(['_cleanup'], app, env, credential);
  const child = spawn(file, args, {
    env: own,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: CLEANUP_MS,
    killSignal: 'SIGKILL',
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  child.stdin.on('error', () => {});
  // It stays open: its end tells that this process is gone.
  child.stdin.write(`${JSON.stringify(lease)}\n`);
  try {
    const [said, [code, killed]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    if (code !== 0) throw new Error(said.trim() || `the process ended with ${killed ?? code}`);
  } finally {
    signal.removeEventListener('abort', end);
    child.stdin.destroy();
  }
}

/** `weir event _cleanup`: runs the cleanup of the lease in the first line of standard input, for as long as that is open. */
export async function runCleanup(invocation: Invocation): Promise<void> {
  const { context } = invocation;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${CLEANUP_MS / 1000} s`)), CLEANUP_MS);
  });
  const lines = createInterface({ input: context.stdin });
  const left = once(lines, 'close').then(() => {
    throw new Error('who started it is gone');
  });
  try {
    const [line] = await Promise.race([once(lines, 'line'), left]);
    await Promise.race([cleanUp(invocation, String(line)), tooLong, left]);
  } finally {
    clearTimeout(timer);
    // A hook that goes on keeps nothing alive.
    context.abandonRest?.();
  }
}

async function cleanUp(invocation: Invocation, line: string): Promise<void> {
  // The cast holds: what is read is checked below, as far as it is used.
  const lease = JSON.parse(line) as Lease;
  if (!isJsonObject(lease.params ?? {})) throw usageError('standard input has no lease');
  const key = requireKey(await loadKeys(lease.keys_file, invocation.context), lease.event_key);
  const { server, key: credential } = await invocation.connection();
  const api = hookApi(new ApiClient(server, credential));
  // They were a consumer's params, as its key's normalizeParams left them.
  const params = (lease.params ?? {}) as Parameters<NonNullable<typeof key.cleanup>>[1];
  await key.cleanup?.(api, params, lease.state);
}

/** Cleanup for dead consumers, in a process with their keys and identity. */
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

/** Timeout of a cleanup. */
const CLEANUP_MS = 60_000;

/**
 * Runs a key's `cleanup` in a child process, which ends with this process.
 *
 * @param credential API key of the hooks; default that of the profile
 * @param signal kills the child
 * @throws Error with the child's standard error.
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
  // Keep standard input open: its end tells the child that this process has ended.
  child.stdin.write(`${JSON.stringify(lease)}\n`);
  try {
    const [stderr, [code, killed]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    if (code !== 0) throw new Error(stderr.trim() || `the process ended with ${killed ?? code}`);
  } finally {
    signal.removeEventListener('abort', end);
    child.stdin.destroy();
  }
}

/**
 * `weir event _cleanup`: runs the cleanup of the lease in the first line of standard input, and stops when standard
 * input ends.
 */
export async function runCleanup(invocation: Invocation): Promise<void> {
  const { context } = invocation;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${CLEANUP_MS / 1000} s`)), CLEANUP_MS);
  });
  const lines = createInterface({ input: context.stdin });
  const left = once(lines, 'close').then(() => {
    throw new Error('the parent process has ended');
  });
  try {
    const [line] = await Promise.race([once(lines, 'line'), left]);
    await Promise.race([cleanUp(invocation, String(line)), tooLong, left]);
  } finally {
    clearTimeout(timer);
    // An unfinished hook must not keep the process alive.
    context.abandonRest?.();
  }
}

async function cleanUp(invocation: Invocation, line: string): Promise<void> {
  // The members that are used are validated below.
  const lease = JSON.parse(line) as Lease;
  if (!isJsonObject(lease.params ?? {})) throw usageError('standard input has no lease');
  const key = requireKey(await loadKeys(lease.keys_file, invocation.context), lease.event_key);
  const { server, key: credential } = await invocation.connection();
  const api = hookApi(new ApiClient(server, credential));
  // The params were normalized by the key's normalizeParams in the consumer.
  const params = (lease.params ?? {}) as Parameters<NonNullable<typeof key.cleanup>>[1];
  await key.cleanup?.(api, params, lease.state);
}

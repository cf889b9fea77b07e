/** `weir event _bus`: the bus process, started by the first consumer. */
import { type BusApp, busDirectory, type StartMessage } from '@weir/bus/client';
import { runBus } from '@weir/bus/daemon';
import { usageError } from '../cli-error.js';
import { weirHome } from '../connection/profiles.js';
import type { Invocation } from '../invocation.js';
import { parseDuration } from '../send/duration.js';
import { VERSION } from '../version.js';
import { cleanUpIn } from './cleanup.js';

/** Runs the bus of the given server and project, or of local sources if none are given, until it ends. */
export async function runBusProcess({ context, options }: Invocation): Promise<void> {
  const { env } = context;
  const app = appOf(options);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.on('SIGTERM', end).on('SIGINT', end);
  const { WEIR_EVENT_BUS_IDLE: idle, WEIR_EVENT_WEBHOOK_WAIT: wait } = env;
  try {
    const isOurs = await runBus({
      directory: busDirectory(weirHome(env), app, env),
      app,
      version: VERSION,
      runCleanup: (lease, credential, signal) => cleanUpIn(app, env, lease, credential, signal),
      ...(idle === undefined || idle === '' ? {} : { idleMs: parseDuration(idle, 'WEIR_EVENT_BUS_IDLE') }),
      ...(wait === undefined || wait === ''
        ? {}
        : { sources: { webhookWaitMs: parseDuration(wait, 'WEIR_EVENT_WEBHOOK_WAIT') } }),
      signal: ending.signal,
      onReady: () => notifyParent({ state: 'ready' }),
    });
    if (!isOurs) notifyParent({ state: 'not_needed' });
  } catch (error) {
    notifyParent({ state: 'failed', message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    process.off('SIGTERM', end).off('SIGINT', end);
    // Another bus may have replaced this one: do not wait for the remaining work.
    context.abandonRest?.();
  }
}

function appOf({ server, project }: { readonly server?: string; readonly project?: string }): BusApp {
  if (server === undefined && project === undefined) return {};
  if (server === undefined || project === undefined) {
    throw usageError('a bus serves a project of a server', 'Give both --server and --project, or neither');
  }
  return { server, project };
}

/** Reports to the parent, which may have ended already. */
function notifyParent(message: StartMessage): void {
  if (!process.connected) return;
  process.send?.(message, () => {
    if (process.connected) process.disconnect();
  });
}

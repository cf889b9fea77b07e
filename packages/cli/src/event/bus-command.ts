/** The processes that `weir event` starts of itself. */
import { fileURLToPath } from 'node:url';
import type { BusApp, BusCommand } from '@weir/bus/client';
import type { Environment } from '../connection/sources.js';

const CLI = fileURLToPath(new URL('../../bin/weir.js', import.meta.url));

/** Variables that hold credentials: a process that outlives who started it has none of them. */
const CREDENTIALS = new Set(['WEIR_KEY', 'WEIR_TOKEN', 'WEIR_OPERATOR_KEY']);

/**
 * A command of ours for what an app is, in this environment, but for its credentials.
 *
 * @param credential API key that it is to have; default none
 */
export function ownCommand(
  words: readonly string[],
  app: BusApp,
  env: Environment,
  credential?: string,
): BusCommand {
  const where =
    app.server === undefined || app.project === undefined
      ? []
      : ['--server', app.server, '--project', app.project];
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !CREDENTIALS.has(name)));
  return {
    file: process.execPath,
    args: [CLI, 'event', ...words, ...where],
    env: credential === undefined ? own : { ...own, WEIR_KEY: credential },
  };
}

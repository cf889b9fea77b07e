/** The child processes of `weir event`. */
import { fileURLToPath } from 'node:url';
import type { BusApp, BusCommand } from '@weir/bus/client';
import type { Environment } from '../connection/sources.js';

const CLI = fileURLToPath(new URL('../../bin/weir.js', import.meta.url));

/** Credential variables, which a long-running child process must not inherit. */
const CREDENTIALS = new Set(['WEIR_KEY', 'WEIR_TOKEN', 'WEIR_OPERATOR_KEY']);

/**
 * The command line of a child process for an app, in this environment without credentials.
 *
 * @param credential API key for the child; default none
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

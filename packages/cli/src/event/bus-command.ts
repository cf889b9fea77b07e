/** The processes that `weir event` starts of itself. */
import { fileURLToPath } from 'node:url';
import type { BusApp, BusCommand } from '@weir/event/client';
import type { Environment } from '../connection/sources.js';

const CLI = fileURLToPath(new URL('../../bin/weir.js', import.meta.url));

/** A command of ours for what an app is, in this environment. */
export function ownCommand(words: readonly string[], app: BusApp, env: Environment): BusCommand {
  const where =
    app.server === undefined || app.project === undefined
      ? []
      : ['--server', app.server, '--project', app.project];
  return { file: process.execPath, args: [CLI, 'event', ...words, ...where], env: { ...env } };
}

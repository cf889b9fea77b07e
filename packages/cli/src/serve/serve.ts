/** Runs a server until it is stopped. */
import { resolve } from 'node:path';
import type { App, Variables } from '@weir/server';
import type { Invocation } from '../invocation.js';
import { asTyped } from '../output/typed-command.js';
import { firstStartMessage } from './first-start-message.js';
import { loadSettings } from './settings.js';
import { startError } from './start-error.js';

/**
 * Serves until SIGTERM or SIGINT, which starts a graceful shutdown; a second signal ends the process at once with exit
 * code 1.
 * @throws CliError for invalid settings, a failed start, or a fatal failure
 */
export async function serve({ context, output }: Invocation, flags: Variables): Promise<void> {
  const { createApp, VERSION } = await import('@weir/server');
  const { config, warnings } = await loadSettings(context, flags);
  for (const warning of warnings) output.note(`weir: ${warning}`);
  const stop = new StopSignals();
  let app: App | null = null;
  try {
    app = await createApp({ config });
    const stopped = stop.first.then(() => null);
    const url = await Promise.race([app.listen(), app.failure, stopped]);
    if (url instanceof Error) throw url;
    if (url !== null && output.isInteractive)
      void greet(app, VERSION, (text) => output.text(asTyped(text, context.env)));
    const failure = await Promise.race([app.failure, stopped]);
    if (failure !== null) throw failure;
  } catch (error) {
    const address = `${config.WEIR_HOST}:${config.WEIR_PORT}`;
    throw startError(error, resolve(context.cwd, config.WEIR_DATA_DIR), address);
  } finally {
    await app?.close();
    stop.forget();
  }
}

async function greet(app: App, version: string, say: (text: string) => void): Promise<void> {
  const first = await app.firstProject;
  if (first !== null) say(firstStartMessage(first, version));
  else if (app.address !== null) say(`Weir ${version} is ready at ${app.address}`);
}

/** SIGTERM and SIGINT: the first starts the shutdown, the second forces the end. */
class StopSignals {
  readonly first: Promise<void>;
  readonly #onSignal: () => void;

  constructor() {
    let resolveFirst = (): void => {};
    this.first = new Promise((resolve) => {
      resolveFirst = resolve;
    });
    let count = 0;
    this.#onSignal = () => {
      count += 1;
      if (count > 1) process.exit(1);
      resolveFirst();
    };
    process.on('SIGTERM', this.#onSignal).on('SIGINT', this.#onSignal);
  }

  /** Restores Node's default signal handling. */
  forget(): void {
    process.off('SIGTERM', this.#onSignal).off('SIGINT', this.#onSignal);
  }
}

import { resolve } from 'node:path';
import type { LoadedConfig, Variables } from '@weir/server';
import { CliError } from '../cli-error.js';
import type { CliContext } from '../invocation.js';
import { mergeVariables } from './flags.js';

/**
 * The settings of a server in this directory: flags, then the environment, then `.env` of the working directory.
 * @throws CliError `usage` with all invalid settings
 */
export async function loadSettings({ env, cwd }: CliContext, flags: Variables): Promise<LoadedConfig> {
  const { assertUsageSinks, ConfigError, loadConfig, readEnvFile } = await import('@weir/server');
  try {
    const loaded = loadConfig(mergeVariables(flags, env, readEnvFile(resolve(cwd, '.env'))));
    assertUsageSinks(loaded.config);
    return loaded;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems: reasons } = error;
    const what =
      reasons.length === 1 ? 'a setting cannot be used' : `${reasons.length} settings cannot be used`;
    throw new CliError('usage', 'invalid_config', what, {
      hint: 'Correct the settings listed below',
      reasons,
      cause: error,
    });
  }
}

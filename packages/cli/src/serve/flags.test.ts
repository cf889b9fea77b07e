import { loadConfig, settings } from '@weir/server';
import { expect, it } from 'vitest';
import { flagName, flagOf, mergeVariables, variablesOf } from './flags.js';

it('every setting has a flag that maps back to its variable', () => {
  for (const setting of settings()) {
    const attribute = flagOf(setting).attributeName();
    expect(variablesOf(settings(), { [attribute]: 'x' })).toEqual({ [setting.name]: 'x' });
  }
  expect(flagName('WEIR_INGEST_FLUSH_EVENTS')).toBe('--ingest-flush-events');
});

it('a flag overrides the environment, which overrides .env, in either form of a variable', () => {
  const flags = { WEIR_PORT: '1' };
  const env = { WEIR_PORT: '2', WEIR_HOST: 'h2', WEIR_OPERATOR_KEY_FILE: '/run/key', WEIR_LOG_LEVEL: '' };
  const dotenv = { WEIR_HOST: 'h3', WEIR_OPERATOR_KEY: 'k3', WEIR_LOG_LEVEL: 'warn' };
  expect(mergeVariables(flags, env, dotenv)).toEqual({
    WEIR_PORT: '1',
    WEIR_HOST: 'h2',
    WEIR_OPERATOR_KEY_FILE: '/run/key',
    WEIR_LOG_LEVEL: 'warn',
  });
  expect(loadConfig(mergeVariables(flags, {}, {})).config.WEIR_PORT).toBe(1);
});

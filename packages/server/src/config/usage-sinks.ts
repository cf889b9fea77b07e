import { SHIPPED_SINKS, type SinkRegistry } from '@weir/usage';
import { ConfigError, suggestion } from './load.js';
import type { Config } from './schema.js';

/**
 * Checks the settings of usage sinks before anything is opened: only a server knows the sinks that a wrapper adds, so that
 * the schema of one setting cannot.
 *
 * @param own the wrapper's sinks
 * @throws ConfigError for a sink that does not exist, and for the sink `http` without its URL
 */
export function assertUsageSinks(
  { WEIR_USAGE_ENABLED: isOn, WEIR_USAGE_SINKS: names, WEIR_USAGE_HTTP_URL: url }: Config,
  own?: SinkRegistry,
): void {
  if (!isOn) return;
  const known: readonly string[] = [...SHIPPED_SINKS, ...(own?.names ?? [])];
  const given = `WEIR_USAGE_SINKS=${names.join(',')}`;
  const problems = names
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `${given}: there is no sink "${name}"${suggestion(name, known)}; must be of ${known.join(', ')}`,
    );
  if (names.includes('http') && url === undefined)
    problems.push(`${given}: the sink http needs WEIR_USAGE_HTTP_URL, the URL that takes CloudEvents`);
  if (problems.length > 0) throw new ConfigError(problems);
}

import { SHIPPED_SINKS, type SinkRegistry } from '@weir/usage';
import { ConfigError, suggestion } from './load.js';
import type { Config } from './schema.js';

/**
 * Validates the usage sinks before the stores are opened. The schema cannot validate them, because a wrapper can add
 * sinks.
 *
 * @param own the sinks of the wrapper
 * @throws ConfigError for an unknown sink, and for the sink `http` without a URL
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

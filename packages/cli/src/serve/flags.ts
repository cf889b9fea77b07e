/** The server's settings as flags: `WEIR_INGEST_FLUSH_EVENTS` is `--ingest-flush-events`. */
import type { SettingInfo, Variables } from '@weir/server';
import { Option } from 'commander';

/** The flag of a setting. */
export function flagName(setting: string): string {
  return `--${setting
    .replace(/^WEIR_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;
}

/** The command-line option of a setting. */
export function flagOf({ name, description, default: preset }: SettingInfo): Option {
  const shown = preset === null || preset === '' ? '' : ` (default: ${preset})`;
  return new Option(`${flagName(name)} <value>`, `${description}${shown}`);
}

/** The given flags as variables. */
export function variablesOf(
  settings: readonly SettingInfo[],
  options: Readonly<Record<string, unknown>>,
): Variables {
  const given = settings.flatMap(({ name }) => {
    const value = options[new Option(flagName(name)).attributeName()];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return Object.fromEntries(given);
}

/**
 * Merges layers of variables; the first one has the highest priority. `NAME_FILE` in a higher layer overrides `NAME` in
 * a lower one, and vice versa.
 */
export function mergeVariables(...layers: readonly Variables[]): Variables {
  const merged: Record<string, string> = {};
  for (const layer of layers) {
    const higher = { ...merged };
    for (const [name, value] of Object.entries(layer)) {
      if (value === undefined || value === '') continue;
      const twin = name.endsWith('_FILE') ? name.replace(/_FILE$/, '') : `${name}_FILE`;
      if (higher[name] === undefined && higher[twin] === undefined) merged[name] = value;
    }
  }
  return merged;
}

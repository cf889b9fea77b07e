import { readFileSync } from 'node:fs';

/** Weir's version. */
export const VERSION = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Reads the version without a schema, because a schema library takes longer to load than the rest of the command line. */
function versionOf(manifest: string): string {
  const { version } = JSON.parse(manifest) as { readonly version?: unknown };
  if (typeof version !== 'string') throw new Error('package.json of the command line has no version');
  return version;
}

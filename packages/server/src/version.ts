import { readFileSync } from 'node:fs';

// The cast holds: it is the manifest of this package.
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Weir's version. */
export const VERSION = manifest.version;

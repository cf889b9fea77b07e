import { readFileSync } from 'node:fs';

// The cast holds: it is this package's own manifest.
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Weir's version. */
export const VERSION = manifest.version;

import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.js';
import { ATTACKS, FAULTS, SERVERS, SOAK, UNIT } from './test/suites.js';

const EXCLUDE = ['**/node_modules/**', '**/dist/**', ...SOAK, ...FAULTS, ...ATTACKS];

// Packages find one another through their built `dist` (npm test builds first), so that child processes and
// tests run the same code.
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'servers',
          include: SERVERS,
          exclude: EXCLUDE,
          globalSetup: 'test/src/harness/shared-servers.ts',
        },
      },
      {
        extends: true,
        test: { name: 'unit', include: UNIT, exclude: [...EXCLUDE, ...SERVERS], isolate: false },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';
import { LongestFirst } from './longest-first.js';
import { FAULTS } from './suites.js';

// As many files at a time as in the other suite: most of them wait for a kill, a restart or a lease.
export default defineConfig({
  test: {
    include: FAULTS,
    globalSetup: 'test/src/harness/shared-servers.ts',
    testTimeout: 240_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
  },
});

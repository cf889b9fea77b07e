import { defineConfig } from 'vitest/config';
import { LongestFirst } from './longest-first.js';
import { FAULTS } from './suites.js';

// Two files at a time: most of them load the machine by themselves.
export default defineConfig({
  test: {
    include: FAULTS,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
  },
});

import { defineConfig } from 'vitest/config';
import { SOAK } from './suites.js';

// The full numbers of what `npm test` runs a bounded share of. One file at a time: each loads the machine by itself.
export default defineConfig({
  test: {
    include: SOAK,
    hookTimeout: 120_000,
    maxWorkers: 1,
    pool: 'forks',
  },
});

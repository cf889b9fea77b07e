import { defineConfig } from 'vitest/config';
import { ATTACKS } from './suites.js';

// One file at a time, and one test at a time: they measure the machine. Other load on shared cores shows in a percentile of
// five seconds, so a measurement that exceeds a bound is repeated; a fault exceeds it each time.
export default defineConfig({
  test: {
    include: ATTACKS,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    pool: 'forks',
    retry: 2,
  },
});

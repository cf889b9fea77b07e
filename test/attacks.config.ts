import { defineConfig } from 'vitest/config';
import { ATTACKS } from './suites.js';

// One file at a time, and one test at a time: they measure the machine.
export default defineConfig({
  test: { include: ATTACKS, testTimeout: 180_000, hookTimeout: 120_000, maxWorkers: 1, pool: 'forks' },
});

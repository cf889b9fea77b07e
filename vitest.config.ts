import { defineConfig } from 'vitest/config';

// Packages find one another through their built `dist` (npm test builds first), so that child processes and
// tests run the same code. Files run two at a time: several of them start engines of their own.
export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'bench/src/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/src/soak/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});

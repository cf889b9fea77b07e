import { defineConfig } from 'vitest/config';

// Unit tests alone: mutation testing runs them once for each mutant. A mutant that never settles fails after three seconds.
export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      'packages/clickhouse/**',
      'packages/postgres/**',
      'packages/cli/**',
      'packages/process/**',
      'packages/usage/src/sinks/**',
      '**/crash.test.ts',
      '**/*kill.test.ts',
      '**/full-*.test.ts',
    ],
    testTimeout: 3_000,
  },
});

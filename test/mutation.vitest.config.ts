import { defineConfig } from 'vitest/config';

// The unit tests of the mutated files alone: each mutant runs those that reach it. Tests over engines would take hours.
export default defineConfig({
  test: {
    include: [
      'packages/base/src/**/*.test.ts',
      'packages/query/src/capacity.test.ts',
      'packages/usage/src/admission/{admission-gate,tenant-table,token-bucket}.test.ts',
      'packages/ingest/src/dedup/*.test.ts',
      'packages/server/src/query/answer-spool.test.ts',
      'packages/channel/src/stream/{stream-store,producers,fork,full-log}.test.ts',
      'packages/bus/src/bus/{delivery,event-ring}.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/full-disk.test.ts'],
    // A mutant that never settles must not cost two minutes.
    testTimeout: 3_000,
  },
});

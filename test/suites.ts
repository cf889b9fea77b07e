/**
 * Which test file belongs to which command. `npm test` runs `UNIT` and `SERVERS`, `npm run test:faults` runs `FAULTS`,
 * `npm run test:attacks` runs `ATTACKS`, `npm run test:soak` runs `SOAK`. Each file of the repository is in exactly one; a new file is in `npm test` by itself.
 */

/** Longer than a minute each, with random faults: before an issue of the parts that they cover is closed. */
export const SOAK = ['test/src/soak/**/*.test.ts'];

/**
 * Kills, outages, full disks, corpora of attacks, models with fixed seeds, and the pages of docs/ in two shells. A bounded share of such tests stays in `npm test`: the
 * `crash.test.ts` of most packages, and tests of one kill among others of the same server.
 */
export const FAULTS = [
  'packages/cli/src/dead-letters.test.ts',
  'packages/clickhouse/src/clickhouse.test.ts',
  'packages/clickhouse/src/engine/embedded-engine.test.ts',
  'packages/clickhouse/src/migrate/identity.test.ts',
  'packages/log/src/crash.test.ts',
  'packages/log/src/full-disk.test.ts',
  'packages/postgres/src/pglite/pglite.test.ts',
  'packages/postgres/src/pglite/template.test.ts',
  'packages/query/src/gate/fuzz.test.ts',
  'packages/usage/src/sinks/file-sink-kill.test.ts',
  'packages/usage/src/sinks/file-sink.test.ts',
  'test/src/bad-data.test.ts',
  'test/src/bus.test.ts',
  'test/src/channel-model.test.ts',
  'test/src/chaos.test.ts',
  'test/src/consume-kills.test.ts',
  'test/src/docs/docs.test.ts',
  'test/src/durable-streams-client.test.ts',
  'test/src/durable-streams-limits.test.ts',
  'test/src/feed-streams.test.ts',
  'test/src/group-faults.test.ts',
  'test/src/isolation/corpus.test.ts',
  'test/src/isolation/neighbours.test.ts',
  'test/src/outages.test.ts',
  'test/src/recorded-batch.test.ts',
  'test/src/shutdown.test.ts',
  'test/src/two-terminals.test.ts',
  'test/src/usage-kills.test.ts',
];

/** Measurements of what other clients notice while one attacks: they need the machine for themselves. */
export const ATTACKS = ['test/src/attacks/**/*.test.ts'];

/** Tests that start engines or servers: each file has a process of its own. */
export const SERVERS = [
  'bench/src/**/*.test.ts',
  'test/src/**/*.test.ts',
  'packages/{accounts,cli,clickhouse,postgres,query,usage}/src/**/*.test.ts',
  'packages/channel/src/process/**/*.test.ts',
  'packages/event/src/source/nats.test.ts',
  'packages/*/src/crash.test.ts',
];

/** The others. They leave nothing behind in their process, so files share it, with the modules that it has loaded. */
export const UNIT = ['packages/*/src/**/*.test.ts'];

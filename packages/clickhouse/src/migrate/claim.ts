import { randomUUID } from 'node:crypto';
import { pause } from '@weir/base';
import type { ClickHouse } from '../clickhouse.js';
import { ClickHouseError } from '../clickhouse-error.js';

/** A claim not renewed for so long (by ClickHouse's clock) was left by a process that died or was cut off. */
const CLAIM_SECONDS = 15;
const RENEW_MS = 3_000;
/** How long to try, while another process keeps renewing its claim. */
const PATIENCE_MS = 660_000;

/**
 * Runs `work` while no other process does, by rows in a ClickHouse table: claim, then look. Whoever sees another
 * live claim beside his own takes his back and tries again after a random while. Of two that claim at once at least
 * the later looks after both rows are there, so never do both go on.
 *
 * This holds on one ClickHouse server, where a row is visible once its insert has returned. Nodes that reach
 * different replicas may both go on; every migration's statements can be repeated, so that does no harm. A holder
 * that stalls for over {@link CLAIM_SECONDS} counts as dead.
 */
export async function withClaim<T>(
  clickhouse: ClickHouse,
  database: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const table = `${database}.weir_migration_claims`;
  const owner = randomUUID();
  const options = signal === undefined ? {} : { signal };
  await clickhouse.command(
    `CREATE TABLE IF NOT EXISTS ${table} (owner UUID, held UInt8, at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'), written UInt64 DEFAULT toUnixTimestamp64Nano(now64(9)))
     ENGINE = ReplacingMergeTree(written) ORDER BY owner TTL toDateTime(at) + INTERVAL 1 DAY`,
    options,
  );
  const write = (held: 0 | 1): Promise<void> =>
    clickhouse.command(`INSERT INTO ${table} (owner, held) SELECT {owner:UUID}, {held:UInt8}`, {
      params: { owner, held },
    });
  const othersHold = async (): Promise<boolean> => {
    const rows = await clickhouse.query(
      `SELECT owner FROM ${table} FINAL WHERE held AND owner != {owner:UUID} AND at > now64(3) - INTERVAL ${CLAIM_SECONDS} SECOND`,
      { params: { owner }, ...options },
    );
    return rows.length > 0;
  };

  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    await write(1);
    try {
      if (!(await othersHold())) return await renewing(() => write(1), work);
    } finally {
      // A claim that cannot be taken back ages; the work's own outcome is what counts.
      await write(0).catch(() => {});
    }
    if (Date.now() > until)
      throw new ClickHouseError('unavailable', 'another process has been migrating ClickHouse for too long');
    await pause(50 + Math.random() * 200, signal);
  }
}

/** Runs `work` and renews the claim meanwhile. */
async function renewing<T>(renew: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    last = renew().catch(() => {});
  }, RENEW_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // One on its way must not arrive after the claim was taken back.
    await last;
  }
}

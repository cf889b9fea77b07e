import { randomUUID } from 'node:crypto';
import { pause } from '@weir/base';
import type { ClickHouse } from '../clickhouse.js';
import { ClickHouseError } from '../clickhouse-error.js';

/**
 * A claim that was not renewed for this long (by ClickHouse's clock) belongs to a process that died or lost its
 * connection.
 */
const CLAIM_SECONDS = 15;
const RENEW_MS = 3_000;
/** How long to retry while another process renews its claim. */
const PATIENCE_MS = 660_000;

/**
 * Runs `work` while no other process does, by means of rows in a ClickHouse table: a process inserts a claim, then
 * reads all claims. If it sees another live claim, it deletes its own and retries after a random time. Of two
 * concurrent claimants, at least the later reader sees both rows, so never do both proceed.
 *
 * This holds on one ClickHouse server, where a row is visible once its insert has returned. Nodes that use different
 * replicas may both proceed; this is harmless, because every migration's statements can be repeated. A holder that
 * stalls for more than {@link CLAIM_SECONDS} counts as dead.
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
      // A claim that cannot be deleted expires; the outcome of the work counts.
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
    // A renewal in flight must not arrive after the claim was deleted.
    await last;
  }
}

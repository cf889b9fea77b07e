/** The health of the node, for people and load balancers. */
import type { ClickHouse } from '@weir/clickhouse';
import type { IngestService } from '@weir/ingest';
import type { Log } from '@weir/log';
import type { Postgres } from '@weir/postgres';
import type { SinkStatus, UsageService } from '@weir/usage';

/** State of one store in a health document. */
export type StoreState = 'ok' | 'down';

/** Dependencies of health. */
export interface HealthSources {
  readonly version: string;
  readonly log: Log;
  readonly clickhouse: ClickHouse;
  /** Whether the schema is in place. */
  readonly isMigrated: () => boolean;
  readonly postgres: Postgres;
  readonly ingest: IngestService;
  /** Null if usage records are switched off. */
  readonly usage: UsageService | null;
  /** Whether the cache contains any credential, so that tokens can be checked without PostgreSQL. */
  readonly knowsCredentials: () => boolean;
  /** Whether a first start has not yet created the first project and written its credentials. */
  readonly isMakingFirst: () => boolean;
  /** Events in dead letters above which the node reports `down`. */
  readonly dlqDepthThreshold: number;
}

/** Body of GET /healthz. */
export interface HealthDocument {
  readonly status: 'ok' | 'down';
  readonly version: string;
  readonly ingest_disabled: boolean;
  readonly fatal: boolean;
  readonly dlq_depth: number;
  readonly quarantined: number;
  readonly pending: number;
  readonly dedup_window_seconds: number;
  /** Usage records that were lost, or evicted before a sink received them. */
  readonly usage_dropped: number;
  /** Sinks of usage records: entries waiting for each, records it missed, consecutive failures. */
  readonly usage_sinks: readonly SinkStatus[];
  readonly log: {
    readonly state: StoreState;
    readonly engine: string;
    readonly bytes: number;
    readonly max_bytes: number;
  };
  readonly clickhouse: { readonly state: StoreState };
  readonly postgres: { readonly state: StoreState };
}

/** Body of GET /readyz. */
export interface ReadyDocument {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly log: StoreState;
  readonly tokens: StoreState;
  readonly clickhouse: StoreState;
  readonly postgres: StoreState;
}

const PING_MS = 1_000;

/** Checks every part. */
export class Health {
  readonly #sources: HealthSources;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  /** The whole state; `down` only if events cannot be accepted or the dead letters exceed their threshold. */
  async document(): Promise<HealthDocument> {
    const { ingest, usage, version, dlqDepthThreshold } = this.#sources;
    const { flags, status } = ingest;
    const [log, clickhouse, postgres, { lost, sinks }] = await Promise.all([
      this.#log(),
      this.#clickhouse(),
      this.#postgres(),
      usage?.status() ?? { lost: 0, sinks: [] },
    ]);
    return {
      status: flags.fatal || log.state === 'down' || flags.dlqDepth > dlqDepthThreshold ? 'down' : 'ok',
      version,
      ingest_disabled: flags.disabled,
      fatal: flags.fatal,
      dlq_depth: flags.dlqDepth,
      quarantined: status.quarantined,
      pending: status.pendingEvents,
      dedup_window_seconds: status.dedupWindowSeconds,
      usage_dropped: sinks.reduce((sum, { dropped }) => sum + dropped, lost),
      usage_sinks: sinks,
      log,
      clickhouse: { state: clickhouse },
      postgres: { state: postgres },
    };
  }

  /**
   * Whether a load balancer should send traffic here: ingest needs the log and a way to check tokens, queries need
   * ClickHouse.
   */
  async readiness(forQueries: boolean): Promise<ReadyDocument> {
    const { ingest, knowsCredentials, isMakingFirst } = this.#sources;
    const [log, clickhouse, postgres] = await Promise.all([
      this.#log(),
      this.#clickhouse(),
      this.#postgres(),
    ]);
    const tokens = (postgres === 'ok' || knowsCredentials()) && !isMakingFirst() ? 'ok' : 'down';
    const { draining } = ingest.flags;
    const ready = !draining && log.state === 'ok' && tokens === 'ok' && (!forQueries || clickhouse === 'ok');
    return { ready, draining, log: log.state, tokens, clickhouse, postgres };
  }

  async #log(): Promise<HealthDocument['log']> {
    const { log } = this.#sources;
    const size = await log.size().catch(() => ({ bytes: 0, maxBytes: 0, writable: false }));
    const isWritable = size.writable && size.bytes < size.maxBytes;
    return {
      state: isWritable ? 'ok' : 'down',
      engine: log.engine,
      bytes: size.bytes,
      max_bytes: size.maxBytes,
    };
  }

  async #clickhouse(): Promise<StoreState> {
    const { clickhouse, isMigrated } = this.#sources;
    return isMigrated() && (await clickhouse.ping(PING_MS)) ? 'ok' : 'down';
  }

  async #postgres(): Promise<StoreState> {
    return (await this.#sources.postgres.ping()) ? 'ok' : 'down';
  }
}

/** Prometheus metrics of one server. */
import type { SinkStatus } from '@weir/usage';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EndReason } from '../http/body/open-bodies.js';

/** How many places of a limit are in use, and how often one was refused. */
interface PlacesStatus {
  readonly name: string;
  readonly taken: number;
  readonly refused: number;
}

/** Values that gauges read at each scrape. */
export interface MetricSources {
  readonly pendingEvents: () => number;
  readonly pendingBytes: () => number;
  readonly dlqDepth: () => number;
  readonly quarantined: () => number;
  readonly logBytes: () => Promise<number>;
  /** Appends refused for the quota of their project, by log. */
  readonly quotaRefusals: () => Promise<Readonly<Record<string, number>>>;
  readonly flushLag: () => Promise<number>;
  readonly engineRestarts: () => number;
  readonly dedupIds: () => number;
  readonly usageSinks: () => Promise<readonly SinkStatus[]>;
  readonly usageLost: () => Promise<number>;
  readonly feedSubscribers: () => number;
  readonly channelSubscribers: () => number;
  /** Limits of each project, such as followers of the feed. */
  readonly places: readonly PlacesStatus[];
  readonly queriesRunning: () => number;
  readonly queriesWaiting: () => number;
  readonly answersOpen: () => number;
  readonly spoolBytes: () => number;
}

/** Counters, and gauges over the sources. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'weir_requests_total',
    help: 'Requests by surface, route, status and problem code',
    labelNames: ['surface', 'route', 'status', 'code'],
    registers: [this.#registry],
  });
  readonly #bound = new Map<string, Counter.Internal>();
  readonly #events = new Counter({
    name: 'weir_ingest_events_total',
    help: 'Events of ingest requests by outcome: accepted, duplicate, rejected',
    labelNames: ['outcome'],
    registers: [this.#registry],
  });
  readonly #ignoredIds = new Counter({
    name: 'weir_ingest_ignored_ids_total',
    help: 'Ids of events that count as none, such as undefined and null',
    registers: [this.#registry],
  });
  readonly #flushEvents = new Histogram({
    name: 'weir_flush_events',
    help: 'Events of a flushed batch',
    buckets: [1, 10, 100, 1_000, 5_000, 20_000, 100_000],
    registers: [this.#registry],
  });
  readonly #flushSeconds = new Histogram({
    name: 'weir_flush_seconds',
    help: 'Time from taking a batch from the log until it was stored, in seconds',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [this.#registry],
  });
  readonly #seamFailures = new Counter({
    name: 'weir_seam_failures_total',
    help: 'Calls of a plugged-in seam that threw or were late',
    labelNames: ['seam'],
    registers: [this.#registry],
  });
  readonly #querySeconds = new Histogram({
    name: 'weir_query_seconds',
    help: 'Time of a query, in seconds',
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.#registry],
  });

  readonly #refusedConnections = new Counter({
    name: 'weir_connections_refused_total',
    help: 'Connections refused because their address has too many',
    registers: [this.#registry],
  });
  readonly #endedBodies = new Counter({
    name: 'weir_bodies_ended_total',
    help: 'Request bodies ended before they were whole, by reason: stalled, slow, pressure',
    labelNames: ['reason'],
    registers: [this.#registry],
  });
  readonly #answersCut = new Counter({
    name: 'weir_query_answers_cut_total',
    help: 'Answers cut off because their client took nothing (stalled), or too slowly without room on disk (no_room)',
    labelNames: ['reason'],
    registers: [this.#registry],
  });

  /** Adds the gauges and Node's own metrics (memory, event-loop delay, …). */
  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    // Gauges with the suffix of counters, which Prometheus linters reject; each has counts by type under another name.
    for (const name of ['handles', 'requests', 'resources'])
      this.#registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }

  /** Connects the gauges to their sources. Call once. */
  observe(sources: MetricSources): void {
    this.#gauge('weir_ingest_pending_events', 'Events accepted and not yet flushed', sources.pendingEvents);
    this.#gauge('weir_ingest_pending_bytes', 'The same in bytes', sources.pendingBytes);
    this.#gauge('weir_dlq_events', 'Events among the dead letters that are still tried', sources.dlqDepth);
    this.#gauge('weir_dlq_quarantined_events', 'Quarantined events', sources.quarantined);
    this.#gauge('weir_dedup_ids', 'Event ids remembered', sources.dedupIds);
    this.#gauge('weir_log_bytes', 'Live bytes of the log', sources.logBytes);
    this.#gauge('weir_log_flush_lag_entries', 'Entries of the ingest log not flushed yet', sources.flushLag);
    this.#gauge(
      'weir_engine_restarts',
      'Restarts of the embedded engine since the server started',
      sources.engineRestarts,
    );
    this.#gauge('weir_usage_lost', 'Usage records that the log did not accept', sources.usageLost);
    this.#gauge(
      'weir_feed_subscribers',
      'Who follows the feed now: event streams, and subscriptions of WebSockets',
      sources.feedSubscribers,
    );
    this.#gauge(
      'weir_channel_subscribers',
      'Who follows channels of processes now: event streams, and readings of WebSockets',
      sources.channelSubscribers,
    );
    const { places, quotaRefusals } = sources;
    new Counter({
      name: 'weir_project_quota_refused_total',
      help: 'Appends refused with project_quota, by log: log (ingest), channels (and streams)',
      labelNames: ['log'],
      registers: [this.#registry],
      async collect() {
        const refusals = Object.entries(await quotaRefusals());
        this.reset();
        for (const [log, count] of refusals) this.inc({ log }, count);
      },
    });
    new Gauge({
      name: 'weir_places_taken',
      help: 'Places taken now of what is limited for each project, of all projects together',
      labelNames: ['limit'],
      registers: [this.#registry],
      collect() {
        for (const { name, taken } of places) this.set({ limit: name }, taken);
      },
    });
    new Counter({
      name: 'weir_places_refused_total',
      help: 'Requests and subscriptions refused with at_capacity, by limit',
      labelNames: ['limit'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { name, refused } of places) this.inc({ limit: name }, refused);
      },
    });
    this.#gauge('weir_query_running', 'Queries that hold a place of their project', sources.queriesRunning);
    this.#gauge('weir_query_waiting', 'Queries that wait for a place', sources.queriesWaiting);
    this.#gauge(
      'weir_query_answers_open',
      'Answers of queries that clients wait for or read',
      sources.answersOpen,
    );
    this.#gauge(
      'weir_query_spool_bytes',
      'Bytes on disk of answers that clients take slowly',
      sources.spoolBytes,
    );
    const perSink = [
      ['weir_usage_lag_entries', 'Entries of the usage log a sink has not kept yet', 'lag'],
      ['weir_usage_dropped', 'Usage records a sink never got: they waited too long', 'dropped'],
      ['weir_usage_sink_failures', 'Times a sink of usage records has failed in a row', 'failures'],
    ] as const;
    for (const [name, help, figure] of perSink) {
      new Gauge({
        name,
        help,
        labelNames: ['sink'],
        registers: [this.#registry],
        async collect() {
          for (const sink of await sources.usageSinks()) this.set({ sink: sink.name }, sink[figure]);
        },
      });
    }
  }

  request(surface: string, route: string, status: number, code: string): void {
    // Bound once for each combination: looking up the labels costs more than counting.
    const key = `${route} ${status} ${code} ${surface}`;
    let counter = this.#bound.get(key);
    if (counter === undefined) {
      counter = this.#requests.labels({ surface, route, status: String(status), code });
      this.#bound.set(key, counter);
    }
    counter.inc();
  }

  ingested(outcome: 'accepted' | 'duplicate' | 'rejected', events: number): void {
    if (events > 0) this.#events.inc({ outcome }, events);
  }

  ignoredIds(ids: number): void {
    this.#ignoredIds.inc(ids);
  }

  flushed(events: number, seconds: number): void {
    this.#flushEvents.observe(events);
    this.#flushSeconds.observe(seconds);
  }

  seamFailed(seam: string): void {
    this.#seamFailures.inc({ seam });
  }

  refusedConnection(): void {
    this.#refusedConnections.inc();
  }

  endedBody(reason: EndReason): void {
    this.#endedBodies.inc({ reason });
  }

  /** Connects the gauges of request bodies. Call once. */
  observeBodies(sources: { readonly bytes: () => number; readonly unfinished: () => number }): void {
    this.#gauge(
      'weir_body_memory_bytes',
      'Memory of request bodies: arrived, unpacked and decoded',
      sources.bytes,
    );
    this.#gauge('weir_bodies_unfinished', 'Request bodies that have begun and not ended', sources.unfinished);
  }

  queried(seconds: number): void {
    this.#querySeconds.observe(seconds);
  }

  answerCut(reason: 'stalled' | 'no_room'): void {
    this.#answersCut.inc({ reason });
  }

  /** The text of the exposition format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        this.set(await read());
      },
    });
  }
}

import { setMaxListeners } from 'node:events';
import { deadline, type Logger } from '@weir/base';
import {
  DeadLetterSource,
  EventTexts,
  Feed,
  type FeedEnd,
  FeedGroups,
  type FeedKind,
  type FeedPlace,
  FeedRetention,
  type FeedStart,
  IngestSource,
} from '@weir/feed';
import { INGEST_STREAM, IngestEntry, type IngestService } from '@weir/ingest';
import type { Log } from '@weir/log';
import { ProjectPlaces } from '../admission/project-places.js';
import type { Config } from '../config/schema.js';
import type { Stores } from '../stores.js';

/** Maximum wait for accepted events to reach the feed. */
const CATCH_UP_MS = 1_000;

/** The feed of a server, with its writer and its retention. */
export class ServerFeed {
  readonly feed: Feed;
  readonly groups: FeedGroups;
  readonly texts = new EventTexts();
  /** Connections that follow it. */
  readonly followers: ProjectPlaces;
  /** Their subscriptions: an event stream has one, a WebSocket many. */
  readonly subscriptions: ProjectPlaces;
  readonly #log: Log;
  readonly #source: IngestSource;
  readonly #retention: FeedRetention;
  readonly #logger: Logger;
  readonly #ingest: () => IngestService;
  #deadLetters: DeadLetterSource | null = null;
  readonly #ending = new AbortController();

  /** @param ingest the source of the events; available at {@link start} */
  constructor(config: Config, { log, feedLog }: Stores, logger: Logger, ingest: () => IngestService) {
    // Every follower adds a listener.
    setMaxListeners(0, this.#ending.signal);
    this.#log = log;
    this.#logger = logger;
    this.#ingest = ingest;
    this.feed = new Feed(feedLog);
    this.groups = new FeedGroups(feedLog, config.WEIR_FEED_GROUP_LEASE);
    this.followers = new ProjectPlaces({
      name: 'feed_followers',
      limit: config.WEIR_FEED_MAX_FOLLOWERS,
      what: 'connections that follow its feed',
      hint: 'close connections that are no longer read, or follow many streams over one WebSocket',
    });
    this.subscriptions = new ProjectPlaces({
      name: 'feed_subscriptions',
      limit: config.WEIR_FEED_MAX_SUBSCRIPTIONS,
      what: 'subscriptions of its feed',
      hint: 'end unused subscriptions, or name several events in one subscription',
    });
    this.#source = new IngestSource(log, this.feed, logger);
    this.#retention = new FeedRetention({
      log: feedLog,
      limits: { ageMs: config.WEIR_FEED_RETENTION, bytes: config.WEIR_FEED_RETENTION_BYTES },
      keepSince: () => this.#oldestUnflushed(),
      heldFrom: (stream) => this.groups.heldFrom(stream),
      logger,
      now: Date.now,
    });
  }

  /** Entries of the ingest log up to this position are in the feed. */
  get position(): number {
    return this.#source.position;
  }

  /** Aborts when the server stops: followers must disconnect. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  async start(): Promise<void> {
    await this.#source.start();
    this.#deadLetters = new DeadLetterSource(this.#ingest().quarantined, this.feed, this.#logger);
    this.#deadLetters.start();
    this.#retention.start();
  }

  /** Resolves a start to a place. Throws like {@link Feed.locate}. */
  async locate(kind: FeedKind, projectId: string, start: FeedStart): Promise<FeedPlace> {
    if (start === 'latest') await this.#catchUp();
    return await this.feed.locate(kind, projectId, start);
  }

  /** The offset of the last item up to an end. Throws like {@link Feed.lastUpTo}. */
  async lastUpTo(kind: FeedKind, projectId: string, end: FeedEnd): Promise<number> {
    if (end === 'latest') await this.#catchUp();
    return await this.feed.lastUpTo(kind, projectId, end);
  }

  /** Disconnects the followers of the feed. */
  end(): void {
    this.#ending.abort();
  }

  async close(): Promise<void> {
    this.end();
    await this.#source.close();
    await this.#deadLetters?.close();
    await this.#retention.close();
  }

  /** Waits until all events that were acknowledged so far are in the feed, so that the newest item is one of them. */
  async #catchUp(): Promise<void> {
    const limit = deadline(CATCH_UP_MS);
    await this.#source.caughtUp(limit.signal).finally(limit.release);
  }

  /** When the oldest event that is only in the log was received; the current time if there is none. */
  async #oldestUnflushed(): Promise<number> {
    const { first } = await this.#log.stats(INGEST_STREAM);
    const after = Math.max(this.#ingest().status.flushedOffset, first - 1);
    const [entry] = await this.#log.read(INGEST_STREAM, { after, limit: 1 });
    return entry === undefined ? Number.POSITIVE_INFINITY : new IngestEntry(entry.data).receivedAt;
  }
}

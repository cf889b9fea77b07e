import {
  type Connection,
  type EventStreamRequest,
  eventStream,
  type SseBlock,
  WeirError,
} from '@weir/client/http';
import { feedFailure } from './feed-failure.js';

/** What one connection to an event stream asks for. */
export interface FeedRequest extends EventStreamRequest {
  readonly connection: Connection;
  /** A cursor, `earliest`, `latest` or a time. */
  readonly after: string;
  /** The error of a source that an error of the client is; default that of the feed. */
  readonly failureOf?: (error: WeirError) => Error;
}

/**
 * One connection to the feed: its blocks, as they come. It ends only with an error: however it ended, the feed goes on.
 *
 * @throws SourceInterrupted, SourceGap or ConsumeError; the signal's reason once it has aborted.
 */
export async function* feedConnection(
  { connection, after, failureOf = feedFailure, ...request }: FeedRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly SseBlock[], never> {
  try {
    return yield* eventStream(connection, { ...request, query: { ...request.query, after } }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof WeirError ? failureOf(error) : error;
  }
}

import {
  type Connection,
  type EventStreamRequest,
  eventStream,
  type SseBlock,
  WeirError,
} from '@weir/client/http';
import { feedFailure } from './feed-failure.js';

/** Options of {@link feedConnection}. */
export interface FeedRequest extends EventStreamRequest {
  readonly connection: Connection;
  /** A cursor, `earliest`, `latest` or a time. */
  readonly after: string;
  /** Converts an error of the client into an error of the source; default: as for the feed. */
  readonly failureOf?: (error: WeirError) => Error;
}

/**
 * One connection to the feed; yields its blocks. It ends only with an error, because the feed itself never ends.
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

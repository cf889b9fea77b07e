import { WeirError } from '@weir/client/http';
import { failureOf } from '../api/failure.js';

/** What the client says went wrong on a channel, as an error of the command; any other error as it is. */
export function channelFailure(error: unknown): unknown {
  return error instanceof WeirError ? failureOf(error, error) : error;
}

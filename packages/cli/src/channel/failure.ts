import { WeirError } from '@weir/client/http';
import { failureOf } from '../api/failure.js';

/** Converts a client error of a channel into an error of the command; other errors stay unchanged. */
export function channelFailure(error: unknown): unknown {
  return error instanceof WeirError ? failureOf(error, error) : error;
}

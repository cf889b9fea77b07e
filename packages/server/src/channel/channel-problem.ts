import { WeirError } from '@weir/base';
import type { ChannelError } from '@weir/channel';

/** A failure of a channel as a problem document. */
export function problemOfChannel(error: ChannelError): WeirError {
  const { status, code, message, hint, limit, oldest, cursor } = error;
  const retryAfterMs = code === 'draining' ? 2_000 : error.retryAfterMs;
  return new WeirError(code, message, { status, hint, limit, oldest, cursor, retryAfterMs, cause: error });
}

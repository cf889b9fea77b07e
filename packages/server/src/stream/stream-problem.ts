/** What goes wrong with streams, as problems. */
import { WeirError } from '@weir/base';
import { BufferFullError } from '@weir/ingest';
import { StreamError } from '@weir/stream';
import { Problem } from '../http/problem.js';

/** The problem an error is; what is none of streams travels on as it is. */
export function problemOfStream(error: unknown): unknown {
  if (error instanceof StreamError) return ofStream(error);
  if (error instanceof BufferFullError)
    return new Problem('at_capacity', 'too much is being received already');
  if (error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Problem('invalid_request', 'Content-Type is not a media type', {
      hint: 'send one such as application/json',
    });
  }
  return error;
}

function ofStream(error: StreamError): WeirError {
  const { code, status, message, hint, details } = error;
  const { limit, retryAfterMs, offset, epoch, expectedSeq, receivedSeq } = details;
  const isClosed = code === 'stream_closed' ? 'true' : undefined;
  const headers = present({
    'stream-closed': isClosed,
    'stream-next-offset': offset,
    'producer-epoch': epoch?.toString(),
    'producer-expected-seq': expectedSeq?.toString(),
    'producer-received-seq': receivedSeq?.toString(),
  });
  return new WeirError(code, message, { status, hint, limit, retryAfterMs, headers, cause: error });
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  // The cast holds: those without a value are left out.
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

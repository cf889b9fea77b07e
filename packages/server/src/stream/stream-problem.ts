/** What goes wrong with streams, as problems. */
import { BufferFullError } from '@weir/ingest';
import { LogError } from '@weir/log';
import { StreamError } from '@weir/stream';
import { Problem } from '../http/problem.js';

/** The problem an error is; what is none of streams travels on as it is. */
export function problemOfStream(error: unknown): unknown {
  if (error instanceof StreamError) return ofStream(error);
  if (error instanceof LogError) return ofLog(error);
  if (error instanceof BufferFullError) {
    return new Problem(429, 'at_capacity', 'too much is being received already', { retryAfterSeconds: 1 });
  }
  if (error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Problem(400, 'invalid_request', 'Content-Type is not a media type', {
      hint: 'send one such as application/json',
    });
  }
  return error;
}

function ofStream(error: StreamError): Problem {
  const { code, status, message, hint, details } = error;
  const { limit, retryAfterMs, offset, epoch, expectedSeq, receivedSeq } = details;
  const isClosed = code === 'stream_closed' ? 'true' : undefined;
  const headers = {
    'stream-closed': isClosed,
    'stream-next-offset': offset,
    'producer-epoch': epoch?.toString(),
    'producer-expected-seq': expectedSeq?.toString(),
    'producer-received-seq': receivedSeq?.toString(),
  };
  return new Problem(
    status,
    code,
    message,
    {
      hint,
      ...(limit !== undefined && { limit }),
      ...(retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }),
      headers: present(headers),
    },
    { cause: error },
  );
}

function ofLog(error: LogError): unknown {
  const options = { cause: error };
  if (error.code === 'log_full') {
    const hint = 'delete streams, wait for channels to be cleaned up, or raise WEIR_CHANNEL_MAX_BYTES';
    const detail = 'the log of channels and streams is full';
    return new Problem(503, 'log_full', detail, { retryAfterSeconds: 5, hint }, options);
  }
  if (error.code === 'project_quota') {
    const hint = 'delete streams of the project, or wait for its channels to be cleaned up';
    return new Problem(503, 'project_quota', error.message, { retryAfterSeconds: 5, hint }, options);
  }
  if (error.code === 'log_closed') {
    return new Problem(503, 'draining', 'the server is stopping', { retryAfterSeconds: 2 }, options);
  }
  return error;
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  // The cast holds: those without a value are left out.
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

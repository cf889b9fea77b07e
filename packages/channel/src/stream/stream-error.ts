import { errorClass } from '@weir/base';

/**
 * The error class of this package; errors of the log (`log_full`, `draining`, `store_unavailable`) pass unchanged.
 * `headers` contains the response headers of the Durable Streams protocol, such as `Stream-Next-Offset`.
 *
 * - `stream_not_found`: no stream has this name, or it has expired. `stream_deleted`: it was deleted but has forks;
 *   until
 *   they are removed, it can neither be used (410) nor created again (409). `stream_exists`: it exists with other
 *   properties.
 * - `stream_closed`: the stream accepts no more appends. `content_type_mismatch`: the stream has another content type.
 * - `producer_fenced`: a later epoch of the producer is known. `producer_gap`: batches before this one are missing.
 * - `sequence_conflict`: a `Stream-Seq` at or above this one is stored.
 * - `invalid_stream_name`, `invalid_message`, `invalid_offset`, `invalid_producer`, `invalid_fork`: the named input is
 *   invalid.
 * - `cursor_expired`: the offset belongs to an earlier stream of this name.
 * - `stream_full`, `too_many_streams`, `too_many_producers`: a limit is exceeded; the error carries it as `limit`.
 * - `at_capacity`: the queue of appends is full.
 */
export class StreamError extends errorClass({
  stream_not_found: {
    status: 404,
    hint: 'create it with PUT; an expired stream is removed with its content',
  },
  stream_deleted: { status: 410, hint: 'use another name, or delete its forks first' },
  stream_exists: { status: 409, hint: 'use the properties of the existing stream, or another name' },
  stream_closed: { status: 409, hint: 'append to another stream: a closed one stays closed' },
  content_type_mismatch: { status: 409, hint: 'send the content type the stream was created with' },
  producer_fenced: { status: 403, hint: 'stop, or take over the producer with a higher Producer-Epoch' },
  producer_gap: { status: 409, hint: 'send the missing batches first, then this one again' },
  sequence_conflict: { status: 409, hint: 'send a Stream-Seq above the last one, compared byte by byte' },
  invalid_stream_name: {
    status: 400,
    hint: 'a name has 1 to 512 bytes: segments between slashes, none empty, "." or "..", no control characters',
  },
  invalid_message: { status: 400, hint: 'correct the body; nothing was stored' },
  invalid_offset: { status: 400, hint: 'use -1, now, or an offset that this stream returned' },
  invalid_producer: { status: 400, hint: 'send Producer-Id, Producer-Epoch and Producer-Seq together' },
  invalid_fork: { status: 400, hint: 'name an offset that the source returned' },
  cursor_expired: { status: 410, hint: 'read from offset=-1: the stream was deleted and created again' },
  stream_full: { status: 409, hint: 'close this stream and continue in another' },
  too_many_streams: { status: 422, hint: 'delete streams, or create them with Stream-TTL' },
  too_many_producers: { status: 422, hint: 'use one Producer-Id for each writer, not for each message' },
  at_capacity: { status: 429, retryAfterMs: 1_000, hint: 'wait, then send it again, with fewer in flight' },
}) {}

/** Refuses a batch whose number is above the producer's next. */
export function producerGap(name: string, expected: number, received: number): StreamError {
  return new StreamError('producer_gap', `${name} expects sequence ${expected}, got ${received}`, {
    headers: { 'producer-expected-seq': String(expected), 'producer-received-seq': String(received) },
  });
}

/** Refuses a batch whose epoch is below the producer's. */
export function producerFenced(name: string, epoch: number): StreamError {
  return new StreamError('producer_fenced', `${name} is already at epoch ${epoch}`, {
    headers: { 'producer-epoch': String(epoch) },
  });
}

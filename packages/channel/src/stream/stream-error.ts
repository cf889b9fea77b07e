import { errorClass } from '@weir/base';

/**
 * The one error of this package; what the log throws (`log_full`, `draining`, `store_unavailable`) travels as it is. `headers`
 * has what the Durable Streams protocol says besides the status, such as `Stream-Next-Offset`.
 *
 * - `stream_not_found`: there is none of this name, or it has expired. `stream_deleted`: it was deleted, and forks of it
 *   live: it can neither be used (410) nor made again (409) before they are gone. `stream_exists`: it exists otherwise.
 * - `stream_closed`: nothing is appended any more. `content_type_mismatch`: the stream holds something else.
 * - `producer_fenced`: a later epoch of the producer is known. `producer_gap`: batches before this one are missing.
 * - `sequence_conflict`: a `Stream-Seq` at or above this one is stored.
 * - `invalid_stream_name`, `invalid_message`, `invalid_offset`, `invalid_producer`, `invalid_fork`: so say the names.
 * - `cursor_expired`: the offset is of a former stream of this name.
 * - `stream_full`, `too_many_streams`, `too_many_producers`: over a limit, which the error carries as `limit`.
 * - `at_capacity`: too much waits to be stored.
 */
export class StreamError extends errorClass({
  stream_not_found: {
    status: 404,
    hint: 'create it with PUT; a stream that expired is gone with its content',
  },
  stream_deleted: { status: 410, hint: 'use another name, or delete its forks first' },
  stream_exists: { status: 409, hint: 'create it as it is, or use another name' },
  stream_closed: { status: 409, hint: 'append to another stream: a closed one stays closed' },
  content_type_mismatch: { status: 409, hint: 'send the content type the stream was created with' },
  producer_fenced: { status: 403, hint: 'stop, or claim the producer with a higher Producer-Epoch' },
  producer_gap: { status: 409, hint: 'send the missing batches first, then this one again' },
  sequence_conflict: { status: 409, hint: 'send a Stream-Seq above the last one, compared byte by byte' },
  invalid_stream_name: {
    status: 400,
    hint: 'a name has 1 to 512 bytes: segments between slashes, none empty, "." or "..", no control characters',
  },
  invalid_message: { status: 400, hint: 'correct the body; nothing was stored' },
  invalid_offset: { status: 400, hint: 'use -1, now, or an offset this stream has answered with' },
  invalid_producer: { status: 400, hint: 'send Producer-Id, Producer-Epoch and Producer-Seq together' },
  invalid_fork: { status: 400, hint: 'name an offset the source has answered with' },
  cursor_expired: { status: 410, hint: 'read from offset=-1: the stream was deleted and made again' },
  stream_full: { status: 409, hint: 'close this stream and go on in another' },
  too_many_streams: { status: 422, hint: 'delete streams, or create them with Stream-TTL' },
  too_many_producers: { status: 422, hint: 'use one Producer-Id a writer, not one a message' },
  at_capacity: { status: 429, retryAfterMs: 1_000, hint: 'wait, then send it again, with fewer in flight' },
}) {}

/** The refusal of a batch with a later number than the producer's next. */
export function producerGap(name: string, expected: number, received: number): StreamError {
  return new StreamError('producer_gap', `${name} is at ${expected}, not yet at ${received}`, {
    headers: { 'producer-expected-seq': String(expected), 'producer-received-seq': String(received) },
  });
}

/** The refusal of a batch of an earlier epoch than the producer's. */
export function producerFenced(name: string, epoch: number): StreamError {
  return new StreamError('producer_fenced', `${name} is at epoch ${epoch} by now`, {
    headers: { 'producer-epoch': String(epoch) },
  });
}

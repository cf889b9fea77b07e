import { DEFAULT_CONTENT_TYPE, isSameType } from './content-type.js';
import type { Created, CreateOptions, ForkOptions } from './lifecycle.js';
import { offsetAt } from './lineage.js';
import type { LiveState } from './live-stream.js';
import { StreamError } from './stream-error.js';
import type { Expiry, StreamRecord } from './stream-record.js';

/**
 * Answers the creation of a stream that already exists.
 * @throws StreamError `stream_deleted` with status 409, `stream_exists`
 */
export function asIs(
  { record, last }: LiveState,
  { contentType, expiry, closed, fork }: CreateOptions,
): Created {
  if (record.standing !== 'present') {
    throw new StreamError('stream_deleted', 'a stream of this name was deleted, but has forks', {
      status: 409,
    });
  }
  const isOfType =
    contentType === null && fork !== null
      ? true
      : isSameType(contentType ?? DEFAULT_CONTENT_TYPE, record.contentType);
  const isSame =
    isOfType && closed === record.closed && isSameFork(record, fork) && isSameExpiry(record, expiry);
  if (!isSame) {
    throw new StreamError(
      'stream_exists',
      'the stream exists with another content type, expiry, source or end',
    );
  }
  const offset = offsetAt(record, last);
  return { isNew: false, contentType: record.contentType, offset, isClosed: closed, messages: 0, bytes: 0 };
}

function isSameFork({ fork }: StreamRecord, wanted: ForkOptions | null): boolean {
  if (fork === null || wanted === null) return fork === wanted;
  const { source, offset, subOffset } = fork;
  return source === wanted.source && offset === wanted.offset && subOffset === wanted.subOffset;
}

function isSameExpiry({ expiry, fork }: StreamRecord, wanted: Expiry | null): boolean {
  if (wanted === null) return fork === null ? expiry.kind === 'never' : !fork.hasOwnExpiry;
  return JSON.stringify(wanted) === JSON.stringify(expiry);
}

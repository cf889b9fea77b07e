/** Parses headers of stream requests (Durable Streams protocol, section 5). */
import type { IncomingHttpHeaders } from 'node:http';
import { type Expiry, type ForkOptions, type Producer, StreamError } from '@weir/channel/stream';
import { z } from 'zod';
import { Problem } from '../http/problem.js';
import { streamAt } from './stream-path.js';

const TTL = /^(0|[1-9]\d{0,9})$/;
const WHOLE = /^(0|[1-9]\d*)$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+\s*(;.*)?$/;
const MAX_CONTENT_TYPE = 256;

/** The content type of a body; null if there is none. @throws Problem 400 */
export function contentTypeOf(headers: IncomingHttpHeaders): string | null {
  const given = headers['content-type'];
  if (given === undefined) return null;
  if (given.length <= MAX_CONTENT_TYPE && MEDIA_TYPE.test(given)) return given;
  throw invalid('Content-Type', 'a media type of at most 256 characters, such as application/json');
}

/** Whether the request closes the stream: only for the value `true`. */
export function closesStream(headers: IncomingHttpHeaders): boolean {
  return textOf(headers, 'stream-closed')?.toLowerCase() === 'true';
}

/**
 * The expiry of a stream to create; null if none is given.
 * @param now unix milliseconds
 * @throws Problem 400
 */
export function expiryOf(headers: IncomingHttpHeaders, now: number): Expiry | null {
  const ttl = textOf(headers, 'stream-ttl');
  const at = textOf(headers, 'stream-expires-at');
  if (ttl !== null && at !== null) {
    throw new Problem('invalid_request', 'Stream-TTL and Stream-Expires-At exclude each other', {
      hint: 'send one of them',
    });
  }
  if (ttl !== null) {
    if (TTL.test(ttl)) return { kind: 'ttl', seconds: Number(ttl) };
    throw invalid('Stream-TTL', 'whole seconds in decimal digits, such as 3600');
  }
  if (at === null) return null;
  const isTime = z.iso.datetime({ offset: true }).safeParse(at).success;
  if (isTime && Date.parse(at) > now) return { kind: 'at', at: Date.parse(at) };
  throw invalid('Stream-Expires-At', 'a time to come, such as 2106-11-21T16:00:00Z');
}

/**
 * The source of a fork; null if none is given.
 * @param hosts the hosts of this server
 * @throws Problem 400, StreamError
 */
export function forkOptionsOf(headers: IncomingHttpHeaders, hosts: readonly string[]): ForkOptions | null {
  const source = textOf(headers, 'stream-forked-from');
  const offset = textOf(headers, 'stream-fork-offset');
  const subOffset = textOf(headers, 'stream-fork-sub-offset');
  if (source === null) {
    if (offset === null && subOffset === null) return null;
    throw new Problem('invalid_request', 'Stream-Fork-Offset needs Stream-Forked-From', {
      hint: 'name the path of the source in Stream-Forked-From',
    });
  }
  if (subOffset !== null && !isCount(subOffset)) throw invalid('Stream-Fork-Sub-Offset', 'a whole number');
  return { source: streamAt(source, hosts), offset, subOffset: Number(subOffset ?? 0) };
}

/** The producer and number of a batch; null if none is given. @throws StreamError `invalid_producer` */
export function producerOf(headers: IncomingHttpHeaders): Producer | null {
  const id = textOf(headers, 'producer-id');
  const epoch = textOf(headers, 'producer-epoch');
  const seq = textOf(headers, 'producer-seq');
  if (id === null && epoch === null && seq === null) return null;
  if (id === null || epoch === null || seq === null) {
    throw new StreamError('invalid_producer', 'some of the three headers of a producer are missing');
  }
  if (!isCount(epoch) || !isCount(seq)) {
    throw new StreamError('invalid_producer', 'Producer-Epoch and Producer-Seq are whole numbers');
  }
  return { id, epoch: Number(epoch), seq: Number(seq) };
}

/** The text of a header; null if it is absent. */
export function textOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}

function isCount(text: string): boolean {
  return WHOLE.test(text) && Number.isSafeInteger(Number(text));
}

function invalid(header: string, wanted: string): Problem {
  return new Problem('invalid_request', `${header} must be ${wanted}`);
}

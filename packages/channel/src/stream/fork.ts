/** The initial content of a fork. */
import { isJson, isSameType } from './content-type.js';
import { firstMessages } from './json-messages.js';
import type { ForkOptions } from './lifecycle.js';
import { firstOf, indexOf, readAppends, segmentsOf } from './lineage.js';
import type { LiveState, LiveStream, Surroundings } from './live-stream.js';
import { StreamError } from './stream-error.js';
import type { Expiry, Segment } from './stream-record.js';

/** The start of a fork. */
export interface ForkStart {
  readonly contentType: string;
  /** The expiry of the source. */
  readonly expiry: Expiry;
  /** The appends of the source that the fork shares. */
  readonly inherited: readonly Segment[];
  /** The part of an append that follows the shared ones; it is the only content that is copied. */
  readonly prefix: readonly { readonly payload: Uint8Array; readonly messages: number }[];
  readonly depth: number;
}

/**
 * Called in the turn of the source.
 * @param contentType null for the type of the source
 * @throws StreamError `stream_not_found`; `stream_deleted` and `content_type_mismatch` with status 409; `invalid_fork`
 */
export async function forkOf(
  around: Surroundings,
  source: LiveStream,
  fork: ForkOptions,
  contentType: string | null,
): Promise<ForkStart> {
  const state = presentSource(source);
  const { record } = state;
  if (contentType !== null && !isSameType(contentType, record.contentType)) {
    throw new StreamError('content_type_mismatch', `the source holds ${record.contentType}`, {
      hint: 'send the content type of the source, or none',
    });
  }
  const depth = record.depth + 1;
  const limit = around.limits.forkDepth;
  if (depth > limit) {
    throw new StreamError('invalid_fork', `a chain has at most ${limit} forks`, {
      limit,
      hint: 'fork an earlier stream of the chain',
    });
  }
  const index = placeOf(state, fork);
  const segments = segmentsOf(source.key, record, state.last);
  const prefix = fork.subOffset === 0 ? [] : [await partOf(around, source, segments, index, fork)];
  const { expiry } = record;
  return { contentType: record.contentType, expiry, inherited: firstOf(segments, index), prefix, depth };
}

function presentSource(source: LiveStream): LiveState {
  try {
    return source.present();
  } catch (error) {
    if (!(error instanceof StreamError) || error.code !== 'stream_deleted') throw error;
    throw new StreamError('stream_deleted', error.message, {
      status: 409,
      hint: 'fork an existing stream',
    });
  }
}

function placeOf({ record, last }: LiveState, { offset }: ForkOptions): number {
  if (offset === null) return last;
  try {
    return indexOf(record, last, offset);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    throw new StreamError('invalid_fork', `the source has no offset ${offset.slice(0, 100)}`);
  }
}

async function partOf(
  { log }: Surroundings,
  source: LiveStream,
  segments: readonly Segment[],
  after: number,
  { subOffset }: ForkOptions,
): Promise<{ readonly payload: Uint8Array; readonly messages: number }> {
  const { record } = source.present();
  const [append] = await readAppends(log, segments, { after, maxBytes: 1, owner: source.key.project });
  const isOfMessages = isJson(record.contentType);
  const size = append === undefined ? 0 : isOfMessages ? append.messages : append.payload.byteLength;
  if (append === undefined || subOffset > size) {
    const unit = isOfMessages ? 'messages' : 'bytes';
    throw new StreamError('invalid_fork', `the append there has ${size} ${unit}, not ${subOffset}`, {
      hint: 'a sub-offset counts into the append that follows Stream-Fork-Offset',
    });
  }
  if (!isOfMessages) return { payload: append.payload.subarray(0, subOffset), messages: 1 };
  const { payload, count } = firstMessages(append.payload, subOffset);
  return { payload, messages: count };
}

import type { Connection } from '../http/connection.js';
import { documentOf } from '../http/document.js';
import { WeirError } from '../weir-error.js';
import { batchesOf, type WrittenEvent } from './batches.js';
import { type NewEvent, withIds } from './new-event.js';
import { Receipt } from './receipt.js';

/** How to send events. */
export interface IngestOptions {
  /** `stored` has each request wait up to 10 s until its events are queryable; default: until they are on disk. */
  readonly wait?: 'stored';
  readonly signal?: AbortSignal;
}

/** What came of a call of `ingest`. */
export interface Ingested {
  /** Events that are on disk now. */
  readonly accepted: number;
  /** Events whose id the server already had. */
  readonly duplicates: number;
  /** Events that are malformed; the others are not affected. */
  readonly rejected: number;
  /** The reason for each of them; `index` is the place in the list that was given. */
  readonly errors: readonly { readonly index: number; readonly reason: string }[];
  /** Tells where the accepted events are. */
  readonly receipt: Receipt;
}

/** How long one request may take: the server waits up to 10 s, and a body of 8 MiB needs its time. */
const TIMEOUT_MS = 60_000;

/** Sends events in as many requests as the server's limits need. See {@link Weir.ingest}. */
export async function ingest(
  connection: Connection,
  events: readonly NewEvent[],
  { wait, signal }: IngestOptions = {},
): Promise<Ingested> {
  // Ids are made here, once: a request that is repeated because its answer was lost counts no event twice.
  const written = withIds(events).map((event, index) => ({ index, text: JSON.stringify(event) }));
  const sum = { accepted: 0, duplicates: 0, rejected: 0 };
  const errors: Ingested['errors'][number][] = [];
  const receipts: string[] = [];
  const waiting = batchesOf(written);
  for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
    const answer = await send(connection, batch, { wait, signal });
    if (answer === 'too_large') {
      const [only] = batch;
      if (batch.length > 1) waiting.unshift(...halves(batch));
      else if (only !== undefined) {
        sum.rejected += 1;
        errors.push({ index: only.index, reason: 'the event is larger than the server takes' });
      }
      continue;
    }
    sum.accepted += answer.accepted;
    sum.duplicates += answer.duplicates;
    sum.rejected += answer.rejected;
    for (const { index, reason } of answer.errors ?? []) {
      errors.push({ index: batch[index]?.index ?? index, reason });
    }
    if (answer.receipt !== undefined) receipts.push(answer.receipt);
  }
  errors.sort((a, b) => a.index - b.index);
  return { ...sum, errors, receipt: new Receipt(connection, receipts) };
}

/** One request; `too_large` where a server of lower limits refuses it for its size. */
async function send(
  connection: Connection,
  batch: readonly WrittenEvent[],
  { wait, signal }: { readonly wait: 'stored' | undefined; readonly signal: AbortSignal | undefined },
): Promise<IngestAnswer | 'too_large'> {
  try {
    const answer = await connection.json({
      method: 'POST',
      path: '/api/v1/ingest/events',
      query: { wait },
      raw: {
        bytes: `{"events":[${batch.map(({ text }) => text).join(',')}]}`,
        headers: { 'content-type': 'application/json' },
      },
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return documentOf<IngestAnswer>(answer);
  } catch (error) {
    if (error instanceof WeirError && error.status === 413) return 'too_large';
    throw error;
  }
}

function halves(batch: readonly WrittenEvent[]): [WrittenEvent[], WrittenEvent[]] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}

interface IngestAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly errors?: Ingested['errors'];
  readonly receipt?: string;
}

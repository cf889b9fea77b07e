import type { Slice } from '@weir/base';
import { correctClock } from '../clock-skew.js';
import { isRefusal } from '../decode.js';
import type { ValidationError } from '../event.js';
import { invalidReason, type ValidEvent } from '../validate.js';
import type { Envelope } from './envelope.js';

/** The events of a request, split into accepted ones and those rejected by index. */
export interface DecodedBatch {
  readonly valid: readonly ValidEvent[];
  readonly rejected: readonly ValidationError[];
  /** Number of ignored event ids, such as `undefined`. */
  readonly ignoredIds: number;
}

/**
 * Decodes and validates every event; corrects its time by the client's clock error if there is a `sent_at`.
 * @param receivedAt arrival, in epoch milliseconds
 * @param slice yields to the event loop between events
 * @param onGroup called with the bytes of the valid events of each group, before the next group is decoded
 * @throws IngestError `invalid_json` if the text of an event is not JSON
 */
export async function decodeBatch(
  envelope: Envelope,
  receivedAt: number,
  slice: Slice,
  onGroup: (bytes: number) => void = () => {},
): Promise<DecodedBatch> {
  const skew = envelope.sentAt === null ? 0 : receivedAt - envelope.sentAt;
  const valid: ValidEvent[] = [];
  const rejected: ValidationError[] = [];
  let ignoredIds = 0;
  const onIgnoredId = (): void => {
    ignoredIds += 1;
  };
  let index = 0;
  for (const group of envelope.groups) {
    if (slice.isOver) await slice.next();
    let bytes = 0;
    for (;;) {
      if (index % EVENTS_A_LOOK === 0 && slice.isOver) await slice.next();
      const decoded = group.next(onIgnoredId);
      if (decoded === null) break;
      const reason = isRefusal(decoded) ? decoded.reason : invalidReason(decoded);
      if (reason !== null) {
        rejected.push({ index, reason });
      } else {
        // The cast holds: invalidReason reports a missing timestamp.
        const event = correctClock(decoded as ValidEvent, skew, receivedAt);
        valid.push(event);
        bytes += EVENT_OVERHEAD_BYTES + event.properties.length + event.extras.length;
      }
      index += 1;
    }
    onGroup(bytes);
  }
  return { valid, rejected, ignoredIds };
}

/** Events decoded between two checks of the clock. */
const EVENTS_A_LOOK = 8;
/** Memory of a decoded event without `properties` and `extras`: the object, its short texts, and its key. */
const EVENT_OVERHEAD_BYTES = 400;

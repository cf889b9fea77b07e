import { LogError } from './log-error.js';

/** A position in a stream of a log, in the form that clients get. */
export interface Place {
  readonly epoch: number;
  readonly offset: number;
}

const LENGTH = 10;

/** Encodes an opaque cursor of 14 URL-safe characters. Offsets up to 2^48 - 1. */
export function encodePlace(place: Place): string {
  const bytes = Buffer.allocUnsafe(LENGTH);
  bytes.writeUInt32BE(place.epoch, 0);
  bytes.writeUIntBE(place.offset, 4, 6);
  return bytes.toString('base64url');
}

/**
 * Decodes a cursor of {@link encodePlace}.
 * @throws LogError `cursor_invalid` if the text is not a cursor
 */
export function decodePlace(text: string): Place {
  const bytes = Buffer.from(text, 'base64url');
  // Buffer ignores invalid base64url characters, so compare the re-encoded text.
  if (bytes.length !== LENGTH || bytes.toString('base64url') !== text) {
    throw new LogError(
      'cursor_invalid',
      'not a cursor of this log; omit it to start from the default position',
    );
  }
  return { epoch: bytes.readUInt32BE(0), offset: bytes.readUIntBE(4, 6) };
}

/**
 * The offset of a cursor in the log of this epoch.
 * @throws LogError `cursor_invalid`, or `epoch_mismatch` if the cursor belongs to a lost log
 */
export function offsetInEpoch(text: string, epoch: number): number {
  const place = decodePlace(text);
  if (place.epoch !== epoch) {
    throw new LogError(
      'epoch_mismatch',
      `the cursor belongs to the log of epoch ${place.epoch}, which was lost; this log has epoch ${epoch}: start without a cursor`,
    );
  }
  return place.offset;
}

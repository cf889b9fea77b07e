import { LogError } from './log-error.js';

/** A place in one stream of one log, as it leaves the building. */
export interface Place {
  readonly epoch: number;
  readonly offset: number;
}

const LENGTH = 10;

/** Makes an opaque cursor of 14 URL-safe characters. Offsets up to 2^48 - 1. */
export function encodePlace(place: Place): string {
  const bytes = Buffer.allocUnsafe(LENGTH);
  bytes.writeUInt32BE(place.epoch, 0);
  bytes.writeUIntBE(place.offset, 4, 6);
  return bytes.toString('base64url');
}

/**
 * Reads a cursor made by {@link encodePlace}.
 * @throws LogError `cursor_invalid` when it is not one
 */
export function decodePlace(text: string): Place {
  const bytes = Buffer.from(text, 'base64url');
  // Buffer skips what is not base64url, so only a text that comes out the same again was one.
  if (bytes.length !== LENGTH || bytes.toString('base64url') !== text) {
    throw new LogError('cursor_invalid', 'not a cursor of this log; leave it out to start anew');
  }
  return { epoch: bytes.readUInt32BE(0), offset: bytes.readUIntBE(4, 6) };
}

/**
 * The offset a cursor stands for in the log of this epoch.
 * @throws LogError `cursor_invalid`, or `epoch_mismatch` when the log the cursor belongs to was lost
 */
export function offsetInEpoch(text: string, epoch: number): number {
  const place = decodePlace(text);
  if (place.epoch !== epoch) {
    throw new LogError(
      'epoch_mismatch',
      `the cursor belongs to the log of epoch ${place.epoch}, which is gone; this one is ${epoch}: start anew`,
    );
  }
  return place.offset;
}

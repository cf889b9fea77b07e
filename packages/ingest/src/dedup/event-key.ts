import { hash } from 'node:crypto';

/** Bytes of an event's key. */
export const ID_BYTES = 16;

/**
 * Writes the key by which retries of an event are recognised: the first 128 bits of SHA-256 over project and event id,
 * so that ids of different projects never collide, whatever ids clients choose. Written to `keys` at `index`, as four
 * 32-bit words; never all zeros, which means "no id".
 */
export function writeEventKey(projectId: string, eventId: string, keys: Uint32Array, index: number): void {
  const digest = hash('sha256', `${projectId}/${eventId}`, 'binary');
  const at = index * 4;
  for (let word = 0; word < 4; word += 1) {
    const i = word * 4;
    keys[at + word] =
      digest.charCodeAt(i) |
      (digest.charCodeAt(i + 1) << 8) |
      (digest.charCodeAt(i + 2) << 16) |
      (digest.charCodeAt(i + 3) << 24);
  }
  if (keys[at] === 0) keys[at] = 1;
}

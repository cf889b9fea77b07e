/** The longest character of UTF-8, and between what the first byte of a longer one lies (RFC 3629). */
const LONGEST = 4;
const [FIRST, LAST] = [0xc2, 0xf4];

/**
 * How many of the last bytes begin a character that does not end there, so that text which is cut there would lose it; 0 where
 * the bytes end with a whole character, or with what is no UTF-8 whatever follows.
 */
export function incompleteUtf8(bytes: Uint8Array): number {
  for (let count = 1; count < LONGEST && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    if (byte < FIRST || byte > LAST) return 0;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > count ? count : 0;
  }
  return 0;
}

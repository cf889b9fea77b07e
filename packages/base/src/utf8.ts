/** The longest UTF-8 character, and the range of the first byte of a multi-byte one (RFC 3629). */
const LONGEST = 4;
const [FIRST, LAST] = [0xc2, 0xf4];

/**
 * The number of trailing bytes that start an incomplete character, which a cut at this point would damage; 0 if the
 * bytes end with a complete character, or with bytes that cannot become valid UTF-8.
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

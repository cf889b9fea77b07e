import { ConsumeError } from '../consume-error.js';

/**
 * A place between two lines of a file: which file, however it is named, and the byte where the next line begins.
 *
 * Its text, the cursor, is `<device>-<inode>-<byte>-<hash>`. Files get the numbers of removed ones, so the hash of what
 * the file begins with (as much as lies before the place, 256 bytes at most) says whether it is still the same.
 */
export interface FilePlace {
  /** Device and inode. */
  readonly file: string;
  readonly byte: number;
  readonly hash: string;
}

/** A place as a cursor. */
export function cursorOf({ file, byte, hash }: FilePlace): string {
  return `${file}-${byte}-${hash}`;
}

/** @throws ConsumeError `usage` for a text that is no cursor of a file. */
export function placeOf(cursor: string): FilePlace {
  const [, file = '', byte = '', hash = ''] = /^(\d+-\d+)-(\d{1,15})-([0-9a-f]{12})$/.exec(cursor) ?? [];
  if (file !== '') return { file, byte: Number(byte), hash };
  throw new ConsumeError('usage', 'invalid_cursor', `${JSON.stringify(cursor)} is no place in a file.`, {
    param: 'from',
    hint: 'Give --from latest, earliest, or the cursor of an event of this file.',
  });
}

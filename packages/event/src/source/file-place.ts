import { ConsumeError } from '../consume-error.js';

/**
 * A position between two lines of a file: the file's identity and the byte at which the next line starts.
 *
 * The cursor text is `<device>-<inode>-<byte>-<hash>`. The system reuses inodes of deleted files, so the hash of the
 * file's first bytes (up to the position, at most 256) detects another file.
 */
export interface FilePlace {
  /** Device and inode. */
  readonly file: string;
  readonly byte: number;
  readonly hash: string;
}

/** Encodes a position as a cursor. */
export function cursorOf({ file, byte, hash }: FilePlace): string {
  return `${file}-${byte}-${hash}`;
}

/** @throws ConsumeError `usage` if the text is not a file cursor. */
export function placeOf(cursor: string): FilePlace {
  const [, file = '', byte = '', hash = ''] = /^(\d+-\d+)-(\d{1,15})-([0-9a-f]{12})$/.exec(cursor) ?? [];
  if (file !== '') return { file, byte: Number(byte), hash };
  throw new ConsumeError(
    'usage',
    'invalid_cursor',
    `${JSON.stringify(cursor)} is not a position in a file.`,
    {
      param: 'from',
      hint: 'Give --from latest, earliest, or the cursor of an event of this file.',
    },
  );
}

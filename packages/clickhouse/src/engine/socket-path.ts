import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The kernel takes 107 bytes on Linux, 103 on macOS. */
const LONGEST = 100;

/** A Unix socket's place, and what removes what was made for it. The socket itself goes with its server. */
export interface SocketPlace {
  readonly path: string;
  remove(): void;
}

/** A socket in `directory`, or where that is too long for one, in a private directory under the system's temporary one. */
export function placeSocket(directory: string, name: string): SocketPlace {
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= LONGEST) return { path, remove: () => {} };
  const short = mkdtempSync(
    join(tmpdir(), `weir-${createHash('sha256').update(path).digest('hex').slice(0, 8)}-`),
  );
  return { path: join(short, 's'), remove: () => rmSync(short, { recursive: true, force: true }) };
}

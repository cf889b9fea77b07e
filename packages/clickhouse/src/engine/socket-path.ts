import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The kernel accepts 107 bytes on Linux, 103 on macOS. */
const LONGEST = 100;

/**
 * The path of a Unix socket, and a function that removes the directory created for it. The server removes the socket
 * itself.
 */
export interface SocketPlace {
  readonly path: string;
  remove(): void;
}

/**
 * Chooses a path in `directory`; if it is too long for a socket, in a private directory under the system's temporary
 * one.
 */
export function placeSocket(directory: string, name: string): SocketPlace {
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= LONGEST) return { path, remove: () => {} };
  const short = mkdtempSync(
    join(tmpdir(), `weir-${createHash('sha256').update(path).digest('hex').slice(0, 8)}-`),
  );
  return { path: join(short, 's'), remove: () => rmSync(short, { recursive: true, force: true }) };
}

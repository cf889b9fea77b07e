import { once } from 'node:events';
import type { OutputStream } from '../output/output.js';

/** Writes, and waits while the reader has enough: what is not read here stays on the server. */
export async function write(stream: OutputStream, bytes: Uint8Array | string): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}

import { once } from 'node:events';
import type { OutputStream } from '../output/output.js';

/** Writes and waits for `drain` (backpressure), so that unread messages stay on the server. */
export async function write(stream: OutputStream, bytes: Uint8Array | string): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}

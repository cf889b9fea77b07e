import { hasRoom, later } from '@weir/base';
import type { RawData, WebSocket } from 'ws';
import type { Brake } from './brake.js';

/**
 * Handles the messages of a WebSocket in turns of the event loop. One read from the connection may bring thousands of
 * small frames: frames beyond the time of the turn wait, in order, and reading pauses until they are handled. Frames
 * that arrived before the client closed the connection are still handled.
 *
 * The ws library would answer each ping at once. Here, the newest ping is answered in its own turn (RFC 6455, section
 * 5.5.3), and none while the client does not read.
 * @param handle must not throw
 * @returns resolves when no frame waits; call it after the connection has closed
 */
export function onMessages(
  socket: WebSocket,
  brake: Brake,
  handle: (frame: Buffer, isBinary: boolean) => void,
): () => Promise<void> {
  let waiting = 0;
  let handled = (): void => {};
  let ping: Buffer | null = null;
  const defer = (work: () => void): void => {
    if (waiting === 0) brake.hold();
    waiting += 1;
    later(socket, () => {
      work();
      waiting -= 1;
      if (waiting > 0) return;
      brake.lift();
      handled();
    });
  };
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // The cast holds: ws delivers a message as one Buffer by default.
    const frame = data as Buffer;
    if (hasRoom(socket)) handle(frame, isBinary);
    else defer(() => handle(frame, isBinary));
  });
  socket.on('ping', (data: Buffer) => {
    const isAnswerDue = ping !== null;
    ping = data;
    if (isAnswerDue) return;
    defer(() => {
      const newest = ping ?? data;
      ping = null;
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount <= MAX_UNREAD_BYTES) socket.pong(newest);
      else socket.terminate();
    });
  });
  return async () => {
    if (waiting > 0) {
      await new Promise<void>((resolve) => {
        handled = resolve;
      });
    }
  };
}

/** Maximum unsent bytes for a client that keeps sending pings. */
const MAX_UNREAD_BYTES = 1024 * 1024;

import { hasRoom, later } from '@weir/base';
import type { RawData, WebSocket } from 'ws';
import type { Brake } from './brake.js';

/**
 * Handles the messages of a WebSocket in turns of the event loop. One read from the connection may bring thousands of small
 * frames: those that the turn has no time for wait, in order, and nothing more is read until they are handled. Frames that
 * came before the client closed the connection are handled all the same.
 *
 * ws would answer each ping at once. Here the newest ping is answered in a turn of its own (RFC 6455 section 5.5.3), and none
 * while the client does not read.
 * @param handle must not throw
 * @returns resolves when no frame waits; ask once the connection is closed
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
    // The cast holds: ws gives a message as one Buffer unless it is told otherwise.
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

/** Bytes that may wait for a client that goes on sending pings. */
const MAX_UNREAD_BYTES = 1024 * 1024;

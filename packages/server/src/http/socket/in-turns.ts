import { hasRoom, later } from '@weir/base';
import type { RawData, WebSocket } from 'ws';
import type { Brake } from './brake.js';

/**
 * Handles the messages of a WebSocket in turns of the event loop. One read from the connection may bring thousands of small
 * frames: those that the turn has no time for wait, in order, and nothing more is read until they are handled.
 * @param handle must not throw
 */
export function onMessages(
  socket: WebSocket,
  brake: Brake,
  handle: (frame: Buffer, isBinary: boolean) => void,
): void {
  let waiting = 0;
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // The cast holds: ws gives a message as one Buffer unless it is told otherwise.
    const frame = data as Buffer;
    if (hasRoom(socket)) {
      handle(frame, isBinary);
      return;
    }
    if (waiting === 0) brake.hold();
    waiting += 1;
    later(socket, () => {
      waiting -= 1;
      if (waiting === 0) brake.lift();
      if (socket.readyState === socket.OPEN) handle(frame, isBinary);
    });
  });
  // ws answers pings by itself, also those of a client that reads no answers.
  socket.on('ping', (data: Buffer) => {
    if (socket.bufferedAmount <= MAX_PONGS_BYTES) socket.pong(data);
    else socket.terminate();
  });
}

/** Bytes that may wait for a client that goes on sending pings. */
const MAX_PONGS_BYTES = 1024 * 1024;

import type { WebSocket } from 'ws';

const PING_MS = 15_000;
/** A connection of which so long nothing was heard is ended. */
const SILENCE_MS = 45_000;

/** Asks a client now and then whether it is there, and ends the connection of one that is not. */
export function keepAlive(socket: WebSocket): void {
  let heard = performance.now();
  const hear = (): void => {
    heard = performance.now();
  };
  const timer = setInterval(() => {
    if (performance.now() - heard >= SILENCE_MS) socket.terminate();
    else socket.ping();
  }, PING_MS);
  timer.unref();
  socket.on('pong', hear);
  socket.on('ping', hear);
  socket.on('message', hear);
  socket.on('close', () => clearInterval(timer));
}

import type { IncomingMessage } from 'node:http';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { upgradeOf } from '../upgrade.js';

/** How long a client may take to close its side. */
const CLOSE_MS = 1_000;

/** Accepts WebSockets. */
export class SocketAcceptor {
  readonly #server: WebSocketServer;

  /** @param maxPayload maximum frame of a client, bytes; a larger one closes the connection with 1009 */
  constructor(maxPayload: number) {
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload,
      // in-turns.ts answers pings.
      autoPong: false,
      // The library supports this option, but its types do not declare it yet.
      closeTimeout: CLOSE_MS,
    };
    this.#server = new WebSocketServer(options);
  }

  /** The WebSocket of a request; null if the handshake was invalid, in which case the answer was sent. */
  accept(request: IncomingMessage): Promise<WebSocket | null> {
    const { socket } = request;
    return new Promise((resolve) => {
      if (socket.destroyed) {
        resolve(null);
        return;
      }
      socket.once('close', () => resolve(null));
      this.#server.handleUpgrade(request, socket, upgradeOf(request) ?? Buffer.alloc(0), resolve);
    });
  }
}

import type { IncomingMessage } from 'node:http';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { upgradeOf } from '../upgrade.js';

/** How long a client may take to close its side. */
const CLOSE_MS = 1_000;

/** Makes WebSockets of requests. */
export class SocketAcceptor {
  readonly #server: WebSocketServer;

  /** @param maxPayload largest frame of a client, bytes; a larger one closes the connection with 1009 */
  constructor(maxPayload: number) {
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload,
      // See in-turns.
      autoPong: false,
      // Known to the library and not yet to its types.
      closeTimeout: CLOSE_MS,
    };
    this.#server = new WebSocketServer(options);
  }

  /** The WebSocket of a request that asked for one; null where its handshake was wrong, which has been answered. */
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

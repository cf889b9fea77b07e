import type { IncomingMessage } from 'node:http';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { upgradeOf } from '../../http/upgrade.js';

/** Largest frame of a client, bytes. */
const MAX_FRAME = 1024 * 1024;
/** How long a client may take to close its side. */
const CLOSE_MS = 1_000;

const options: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  maxPayload: MAX_FRAME,
  // Known to the library and not yet to its types.
  closeTimeout: CLOSE_MS,
};

/** Makes WebSockets of requests. */
export class SocketAcceptor {
  readonly #server = new WebSocketServer(options);

  /** The WebSocket of a request that asked for one; null where its handshake was wrong, which has been answered. */
  accept(request: IncomingMessage): Promise<WebSocket | null> {
    const { socket } = request;
    return new Promise((resolve) => {
      socket.once('close', () => resolve(null));
      this.#server.handleUpgrade(request, socket, upgradeOf(request) ?? Buffer.alloc(0), resolve);
    });
  }
}

import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a server, with which a test interrupts and restores the connection. */
export interface TcpProxy {
  /** The URL of the server, with the proxy's address. */
  readonly url: string;
  /** Resets every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Keeps every connection open but forwards nothing, like a network that drops packets. */
  swallow(): void;
  /** Forwards traffic again, on the same port. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy in front of the server at `url`. */
export async function tcpProxy(url: string): Promise<TcpProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let swallowing = false;

  const accept = (inner: Socket) => {
    const outer = dial(Number(target.port || 5432), target.hostname);
    for (const [socket, peer] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (data) => {
        if (!swallowing) peer.write(data);
      });
      socket.on('error', () => peer.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        peer.destroy();
      });
    }
  };

  let server = await listen(accept, 0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const { port } = address;
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(port);

  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: proxied.href,
    cut,
    swallow: () => {
      swallowing = true;
    },
    restore: async () => {
      swallowing = false;
      if (!server.listening) server = await listen(accept, port);
    },
    close: cut,
  };
}

function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept);
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

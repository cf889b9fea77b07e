/** Connections that send what no client library would. */
import { connect, type Socket } from 'node:net';

/** Opens a connection. Errors are ignored: the server may end it at any time. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('close', () => resolve());
  });
  return socket;
}

/** The head of a request. */
export function head(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}

/** Writes, and waits while the connection takes no more, for two seconds at most. Does nothing on a closed connection. */
export async function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  if (socket.destroyed || socket.writableEnded || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 2_000);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

/** Sends a whole request. @returns the status, 0 where the connection ended without an answer */
export async function send(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
  body: Uint8Array | string,
): Promise<number> {
  const socket = await open(port);
  const bytes = Buffer.from(body);
  socket.write(head(method, path, { ...headers, 'content-length': bytes.length, connection: 'close' }));
  socket.write(bytes);
  return await statusOf(socket);
}

/** Sends a request and reads its answer to the end. @returns the bytes of the answer */
export async function download(
  port: number,
  path: string,
  headers: Readonly<Record<string, string | number>>,
  body: string,
): Promise<number> {
  const socket = await open(port);
  socket.write(head('POST', path, { ...headers, 'content-length': body.length, connection: 'close' }) + body);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return bytes;
}

/** The status of the answer on a connection, 0 where it ends without one. */
export async function statusOf(socket: Socket): Promise<number> {
  let text = '';
  return await new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      if (text.length < 64) text += chunk.toString('latin1', 0, 64);
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (status === undefined) return;
      socket.destroy();
      resolve(Number(status));
    });
    socket.once('close', () => resolve(0));
    socket.setTimeout(120_000, () => socket.destroy());
  });
}

/** Runs tasks, some at a time, and counts their statuses. */
export async function tally(
  count: number,
  atATime: number,
  task: (index: number) => Promise<number>,
): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const status = await task(index);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return statuses;
}

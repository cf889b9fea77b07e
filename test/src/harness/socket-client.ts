import { once } from 'node:events';
import { WebSocket } from 'ws';
import { waitUntil } from './wait-until.js';

/** A frame of the server. */
export interface ServerFrame {
  readonly op: string;
  readonly sub?: string;
  readonly id?: string;
  readonly cursor?: string;
  readonly events?: readonly { readonly cursor: string; readonly event: SocketEvent }[];
  readonly [field: string]: unknown;
}

/** An event as the feed tells it. */
interface SocketEvent {
  readonly event: string;
  readonly event_id: string;
  readonly [field: string]: unknown;
}

/** What a refused connection was answered. */
export interface Refusal {
  readonly status: number;
  readonly body: { readonly code?: string; readonly [field: string]: unknown };
}

/** A client of the feed's WebSocket, with what it was sent. */
export class SocketClient {
  readonly frames: ServerFrame[] = [];
  readonly socket: WebSocket;
  /** The code the connection was closed with. */
  closed: number | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as ServerFrame));
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.closed = code;
    });
  }

  /** Connects; a refusal where the server does not take it. */
  static async open(
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<SocketClient | Refusal> {
    const client = new SocketClient(new WebSocket(url.replace(/^http/, 'ws'), { headers }));
    const refused = new Promise<Refusal>((resolve) => {
      client.socket.on('unexpected-response', async (_request, response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Refusal['body'] });
      });
    });
    return await Promise.race([refused, once(client.socket, 'open').then(() => client)]);
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Subscribes, and resolves when what is accepted from then on comes. */
  async subscribe(sub: string, more: object = {}): Promise<void> {
    this.send({ op: 'subscribe', sub, ...more });
    await this.answer(({ op, sub: of }) => op === 'ready' && of === sub);
  }

  /** The first frame that is meant. */
  async answer(isMeant: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    return await waitUntil('a frame', () => this.frames.find(isMeant));
  }

  /** Asks a group; its answer. */
  async call(op: string, id: string, more: object): Promise<ServerFrame> {
    this.send({ op, id, ...more });
    return await this.answer((frame) => frame.id === id);
  }

  /** Ids of the events of a subscription, as they came. */
  idsOf(sub: string): string[] {
    return this.frames
      .filter((frame) => frame.op === 'events' && frame.sub === sub)
      .flatMap(({ events = [] }) => events.map(({ event }) => event.event_id));
  }

  close(): void {
    this.socket.terminate();
  }
}

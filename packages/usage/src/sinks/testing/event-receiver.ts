import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type CloudEventV1, HTTP } from 'cloudevents';

/** How a receiver handles a batch. */
export type Answer =
  /** Accepts it. */
  | 'take'
  /** Accepts it, and answers 500. */
  | 'take and fail'
  /** Refuses it with 503. */
  | 'refuse'
  /** The same, with a Retry-After of one second. */
  | 'refuse for a second'
  /** Resets the connection before an answer. */
  | 'reset'
  /** Accepts it, and resets the connection during its answer. */
  | 'take and cut off'
  /** Reads it and does not answer. */
  | 'hang'
  /** Redirects it. */
  | 'redirect';

/** A server that reads batches of CloudEvents with the CloudEvents SDK, and fails on demand. */
export class EventReceiver {
  /** The action for each batch without an entry in `answers`. */
  answer: Answer = 'take';
  /** The actions for the next batches, in order. */
  readonly answers: Answer[] = [];
  /** Every accepted event, including duplicates. */
  readonly events: CloudEventV1<unknown>[] = [];
  readonly requests: {
    readonly url: string;
    readonly headers: IncomingHttpHeaders;
    readonly count: number;
    /** Milliseconds of `performance.now`. */
    readonly at: number;
  }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const batch = HTTP.toEvent({ headers: request.headers, body: Buffer.concat(parts).toString() });
        const events = Array.isArray(batch) ? batch : [batch];
        const { url = '', headers } = request;
        this.requests.push({ url, headers, count: events.length, at: performance.now() });
        this.#respond(this.answers.shift() ?? this.answer, events, response);
      });
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** `http://127.0.0.1:port`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    return this;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #respond(answer: Answer, events: readonly CloudEventV1<unknown>[], response: ServerResponse): void {
    if (answer.startsWith('take')) this.events.push(...events);
    switch (answer) {
      case 'take':
        response.writeHead(202).end('{}');
        break;
      case 'take and fail':
        response.writeHead(500).end('sorry');
        break;
      case 'refuse':
        response.writeHead(503).end();
        break;
      case 'refuse for a second':
        response.writeHead(503, { 'retry-after': '1' }).end();
        break;
      case 'reset':
        response.socket?.resetAndDestroy();
        break;
      case 'take and cut off':
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"half":', () => response.socket?.destroy());
        break;
      case 'redirect':
        response.writeHead(307, { location: '/elsewhere' }).end();
        break;
      case 'hang':
        break;
    }
  }
}

import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Refusal } from './socket-client.js';
import { waitUntil } from './wait-until.js';

/** A control frame of the server. */
export interface ControlFrame {
  readonly op: string;
  readonly ch?: number;
  readonly sequence?: number;
  readonly code?: string;
  readonly [field: string]: unknown;
}

/** A message as entries frames have it. */
export interface Received {
  readonly index: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly sender_id: string;
  readonly attempt: number;
  readonly type: string;
  readonly [field: string]: unknown;
  readonly payload: Buffer;
}

/** A message to append: its header, and its payload. */
export type Item = readonly [header: ItemHeader, payload: string | Uint8Array];

/** What the header of a message to append says; also what is wrong. */
interface ItemHeader {
  readonly sequence?: unknown;
  readonly [field: string]: unknown;
}

/** A client of the WebSocket of channels, written from its protocol page alone. */
export class ChannelClient {
  readonly controls: ControlFrame[] = [];
  readonly socket: WebSocket;
  /** The code the connection was closed with. */
  closed: number | null = null;
  /** Bytes of the largest entries frame. */
  largest = 0;
  readonly #messages = new Map<number, Received[]>();
  readonly #bytes = new Map<number, number>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#entries(data);
      else this.controls.push(JSON.parse(data.toString()) as ControlFrame);
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.closed = code;
    });
  }

  /** Connects; a refusal where the server does not take it. */
  static async attempt(
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ChannelClient | Refusal> {
    const client = new ChannelClient(new WebSocket(url.replace(/^http/, 'ws'), { headers }));
    const refused = new Promise<Refusal>((resolve) => {
      client.socket.on('unexpected-response', async (_request, response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Refusal['body'] });
      });
    });
    return await Promise.race([refused, once(client.socket, 'open').then(() => client)]);
  }

  static async connect(server: string, key: string): Promise<ChannelClient> {
    const url = `${server}/api/v1/channels`;
    const client = await ChannelClient.attempt(url, { authorization: `Bearer ${key}` });
    if (!(client instanceof ChannelClient)) throw new Error(`refused: ${JSON.stringify(client)}`);
    return client;
  }

  send(frame: object | Uint8Array): void {
    this.socket.send(frame instanceof Uint8Array ? frame : JSON.stringify(frame));
  }

  /** Sends a control frame; its answer: the next frame of one of the names. */
  async ask(frame: object, ...ops: string[]): Promise<ControlFrame> {
    const from = this.controls.length;
    const ch = 'ch' in frame ? frame.ch : undefined;
    this.send(frame);
    return await this.next(
      from,
      (answer) => ops.includes(answer.op) && (ch === undefined || answer.ch === ch),
    );
  }

  /** Opens a channel; the answer, also where it is refused. */
  async open(ch: number, process: string, channel: string, more: object = {}): Promise<ControlFrame> {
    return await this.ask({ op: 'open', ch, process, channel, ...more }, 'opened', 'error');
  }

  /** Appends a batch, without waiting. */
  put(ch: number, ...items: Item[]): void {
    this.send(appendFrame(ch, ...items));
  }

  /** Appends a batch; its answer. */
  async append(ch: number, ...items: Item[]): Promise<ControlFrame> {
    const from = this.controls.length;
    const sequence = items[0]?.[0].sequence;
    this.put(ch, ...items);
    return await this.next(from, (frame) => frame.ch === ch && frame.sequence === sequence);
  }

  /** The first control frame from a place on that is meant. */
  async next(from: number, isMeant: (frame: ControlFrame) => boolean): Promise<ControlFrame> {
    return await waitUntil('a frame', () => this.controls.slice(from).find(isMeant));
  }

  /** What came on a channel, in its order. */
  messages(ch: number): readonly Received[] {
    return this.#messages.get(ch) ?? [];
  }

  indexes(ch: number): number[] {
    return this.messages(ch).map(({ index }) => index);
  }

  texts(ch: number): string[] {
    return this.messages(ch).map(({ payload }) => payload.toString());
  }

  /** Bytes of the entries frames of a channel. */
  bytes(ch: number): number {
    return this.#bytes.get(ch) ?? 0;
  }

  close(): void {
    this.socket.terminate();
  }

  #entries(frame: Buffer): void {
    if (frame[0] !== 2) throw new Error(`a frame of kind ${frame[0]}`);
    const ch = frame.readUInt32BE(1);
    const messages = this.#messages.get(ch) ?? [];
    for (let at = 5; at < frame.length; ) {
      const headerEnd = at + 4 + frame.readUInt32BE(at);
      const header = JSON.parse(frame.toString('utf8', at + 4, headerEnd)) as Omit<Received, 'payload'>;
      const end = headerEnd + 4 + frame.readUInt32BE(headerEnd);
      // The cast holds by the protocol, which the tests then show.
      messages.push({ ...header, payload: frame.subarray(headerEnd + 4, end) } as Received);
      at = end;
    }
    this.#messages.set(ch, messages);
    this.#bytes.set(ch, this.bytes(ch) + frame.length);
    this.largest = Math.max(this.largest, frame.length);
  }
}

/** The frame that appends a batch. */
export function appendFrame(ch: number, ...items: Item[]): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(ch, 1);
  const parts = items.flatMap(([header, payload]) => [JSON.stringify(header), payload].map(withLength));
  return Buffer.concat([head, ...parts]);
}

/** Bytes behind their length. */
export function withLength(part: string | Uint8Array): Buffer {
  const bytes = typeof part === 'string' ? Buffer.from(part) : part;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

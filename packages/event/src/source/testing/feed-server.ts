import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/** One scripted response to a request. */
export type Answer = (response: ServerResponse, after: string | null) => void;

/** A server that answers each request with the next scripted response and records the requests. */
export class FeedServer {
  /** The `after` of each request. */
  readonly asked: (string | null)[] = [];
  /** The `until` of each request. */
  readonly ends: (string | null)[] = [];
  /** Arrival time of each request, in milliseconds of `performance.now`. */
  readonly times: number[] = [];
  readonly #answers: Answer[];
  readonly #server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://server').searchParams;
    const after = asked.get('after');
    this.asked.push(after);
    this.ends.push(asked.get('until'));
    this.times.push(performance.now());
    const answer = this.#answers.shift();
    if (answer === undefined)
      response.writeHead(404).end('{"code":"not_found","detail":"the script is over"}');
    else answer(response, after);
  });

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  /** Its URL, once it listens. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
    return `http://127.0.0.1:${address.port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Responds with a problem document. */
export const refuse =
  (status: number, document: object, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(JSON.stringify(document));

/** Streams text and ends in the given way; `hang` leaves the connection open and silent. */
export const stream =
  (text: string, end: 'end' | 'break' | 'hang'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (end === 'end') response.end();
      if (end === 'break') response.destroy();
    });
  };

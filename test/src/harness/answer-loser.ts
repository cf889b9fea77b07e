import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Passes requests on to a server, and loses answers: the server has done the work, and the client does not learn of it. */
export class AnswerLoser {
  /** Requests that came, as `METHOD /path`. */
  readonly requests: string[] = [];
  readonly #target: string;
  readonly #server = createServer((request, response) => void this.#pass(request, response));
  #left = 0;

  private constructor(target: string) {
    this.#target = target;
  }

  static async before(target: string): Promise<AnswerLoser> {
    const made = new AnswerLoser(target);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** Loses the next answers. */
  lose(count: number): void {
    this.#left = count;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    this.requests.push(`${method} ${url}`);
    const body = await buffer(request);
    const answer = await fetch(this.#target + url, {
      method,
      headers: {
        authorization: headers.authorization ?? '',
        'content-type': headers['content-type'] ?? 'application/json',
      },
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
    const text = await answer.text();
    if (this.#left > 0) {
      this.#left -= 1;
      response.destroy();
    } else {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    }
  }
}

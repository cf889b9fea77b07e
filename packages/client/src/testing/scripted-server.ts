import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request as it came. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** What a server does with one request. */
export type Step = (response: ServerResponse, asked: Asked) => void;

/** A server on loopback that gives each request the next step of a script; after the last one it answers 404. */
export class ScriptedServer {
  readonly asked: Asked[] = [];
  readonly #steps: Step[];
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://server');
      const asked = { path, query, body };
      this.asked.push(asked);
      const step = this.#steps.shift() ?? refuse(404, { code: 'not_found', detail: 'the script is over' });
      step(response, asked);
    });
  });

  private constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  static async start(...steps: readonly Step[]): Promise<ScriptedServer> {
    const made = new ScriptedServer(steps);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Refuses with a problem document. */
export const refuse =
  (status: number, problem: object, headers: Readonly<Record<string, string>> = {}): Step =>
  (response) =>
    response.writeHead(status, headers).end(JSON.stringify(problem));

/** Answers with JSON. */
export const answer =
  (document: object): Step =>
  (response) =>
    response.end(JSON.stringify(document));

/** Streams blocks, and ends, breaks or leaves the connection open. */
export const stream =
  (blocks: string, end: 'end' | 'break' | 'hang'): Step =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(blocks, () => {
      if (end === 'end') response.end();
      if (end === 'break') response.destroy();
    });
  };

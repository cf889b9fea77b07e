import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The request and response header with the id of a request. */
export const REQUEST_ID_HEADER = 'x-request-id';

const ACCEPTABLE = /^[\w.:/+=-]{1,128}$/;
const given = new WeakMap<IncomingMessage, string>();

/** The id of a request: the client's if it is a plain one, otherwise a new one. Stable for each request. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  if (typeof sent === 'string' && ACCEPTABLE.test(sent)) return sent;
  let id = given.get(request);
  if (id === undefined) {
    // Random: a counter would reveal to each tenant how many requests the others send.
    id = randomUUID();
    given.set(request, id);
  }
  return id;
}

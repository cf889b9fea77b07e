import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Response and request header that names a request. */
export const REQUEST_ID_HEADER = 'x-request-id';

const ACCEPTABLE = /^[\w.:/+=-]{1,128}$/;
const given = new WeakMap<IncomingMessage, string>();

/** The id of a request: the client's where it sent a plain one, else a new one. The same whenever it is asked. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  if (typeof sent === 'string' && ACCEPTABLE.test(sent)) return sent;
  let id = given.get(request);
  if (id === undefined) {
    // Random: a number would tell each tenant how many requests the others send.
    id = randomUUID();
    given.set(request, id);
  }
  return id;
}

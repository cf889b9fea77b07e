import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Response and request header that names a request. */
export const REQUEST_ID_HEADER = 'x-request-id';

const ACCEPTABLE = /^[\w.:/+=-]{1,128}$/;
const START = randomBytes(8).toString('base64url');
let count = 0;
const given = new WeakMap<IncomingMessage, string>();

/** The id of a request: the client's where it sent a plain one, else a new one. The same whenever it is asked. */
export function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  if (typeof sent === 'string' && ACCEPTABLE.test(sent)) return sent;
  let id = given.get(request);
  if (id === undefined) {
    count += 1;
    id = `${START}-${count.toString(36)}`;
    given.set(request, id);
  }
  return id;
}

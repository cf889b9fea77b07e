import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Response and request header that names a request. */
export const REQUEST_ID_HEADER = 'x-request-id';

const ACCEPTABLE = /^[\w.:/+=-]{1,128}$/;
const START = randomBytes(8).toString('base64url');
let count = 0;

/** The id of a request: the client's where it sent a plain one, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers[REQUEST_ID_HEADER];
  if (typeof given === 'string' && ACCEPTABLE.test(given)) return given;
  count += 1;
  return `${START}-${count.toString(36)}`;
}

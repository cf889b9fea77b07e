/** Answers connections that never become a request of the application: beyond the limit, or with an unreadable head. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WeirError } from '@weir/base';
import { problemBody, problemHeaders } from './problem.js';
import { REQUEST_ID_HEADER } from './request-id.js';

/** Sends a problem document over a connection, and ends it. */
export function endWithProblem(socket: Duplex, problem: WeirError): void {
  const id = randomUUID();
  const body = problemBody(problem, id);
  const headers = {
    ...problemHeaders(problem),
    [REQUEST_ID_HEADER]: id,
    'x-content-type-options': 'nosniff',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  );
}

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { onClientError } from './parser-errors.js';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('an endless head is rejected with a problem document', async () => {
  server = createServer({ headersTimeout: 50, connectionsCheckingInterval: 20 }, () => {});
  server.on('clientError', onClientError);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The cast holds for a server on TCP.
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\ncontent-type: application\/problem\+json\r\n/);
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
    status: 408,
    code: 'request_timeout',
    request_id: expect.any(String),
  });
});

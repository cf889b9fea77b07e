/** The control of every attack: a bare node:http server in a process of its own. It answers what the watch asks of Weir. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end('{}'));
});
server.listen(0, '127.0.0.1', () => {
  // The cast holds for a server on TCP.
  process.send?.((server.address() as AddressInfo).port);
});
process.on('disconnect', () => process.exit());

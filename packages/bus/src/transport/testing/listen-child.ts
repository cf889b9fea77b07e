import { UnixTransport } from '../unix-transport.js';

// A child process for kill tests: listens at the given path, reports readiness, and echoes each connection.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('needs a path');
await new UnixTransport().listen(path, (socket) => socket.pipe(socket));
process.send?.('listening');

import { UnixTransport } from '../unix-transport.js';

// A process to be killed: listens at the path it is given, says so, and answers each connection with what it hears.
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('needs a path');
await new UnixTransport().listen(path, (socket) => socket.pipe(socket));
process.send?.('listening');

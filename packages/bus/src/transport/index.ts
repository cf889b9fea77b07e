export { localPath, localTransport } from './local-transport.js';
export { NetTransport } from './net-transport.js';
export { makePrivateDirectory } from './private-directory.js';
export { MAX_SOCKET_PATH_BYTES, pipePath, type RuntimeDirectory, socketPath } from './socket-path.js';
export type { Listener, Transport } from './transport.js';
export { TransportError, type TransportErrorCode } from './transport-error.js';
export { UnixTransport } from './unix-transport.js';

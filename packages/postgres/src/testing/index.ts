export { childrenOf } from './pglite-children.js';
export { type TcpProxy, tcpProxy } from './tcp-proxy.js';
export { type TestDatabase, testServer } from './test-server.js';
export { type StoreForm, storeForms, type TestStore } from './test-stores.js';

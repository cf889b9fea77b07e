/** For tests of the server itself; not part of the public API. */
export { type AppWall, makeApp } from './app.js';

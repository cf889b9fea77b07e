/** For tests of the server itself; no part of its public face. */
export { type AppWall, makeApp } from './app.js';

/**
 * Messages between the supervisor and its child process.
 *
 * The child is started as `node pglite-child.js <mode> <data directory> [socket [template]]`. When the IPC channel
 * closes, because the parent requested it or has died, the child closes the database and ends.
 */

/**
 * `create` creates the data directory and ends, which frees its 650 MB. `serve` answers until it is stopped, from a
 * copy of the template if the directory does not exist.
 */
export type ChildMode = 'create' | 'serve';

/** The only message of the child: it accepts connections from now on. */
export type ChildMessage = 'listening';

/** The port in the name of the socket file, `.s.PGSQL.5432`, by which the driver finds it in its directory. */
export const SOCKET_PORT = 5432;

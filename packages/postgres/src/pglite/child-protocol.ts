/**
 * What the supervisor and its child process say to each other.
 *
 * The child is started as `node pglite-child.js <mode> <data directory> [socket [template]]`. The IPC channel is its
 * lifeline: when it closes, because the parent asked so or because the parent is dead, the child closes the
 * database and ends.
 */

/** `create` makes the data directory and ends: its 650 MB go with it. `serve` answers until told otherwise, from a copy of the template where the directory is not there. */
export type ChildMode = 'create' | 'serve';

/** The one message of the child: connections are accepted from now on. */
export type ChildMessage = 'listening';

/** The port in the name of the socket file, `.s.PGSQL.5432`, by which the driver finds it in its directory. */
export const SOCKET_PORT = 5432;

import type { Socket } from 'node:net';

/** A server that accepts connections at a path. */
export interface Listener {
  readonly path: string;
  /** Closes all connections and frees the path; resolves once the path is free. Idempotent. */
  close(): Promise<void>;
}

/** Connects processes of one user on one machine. */
export interface Transport {
  /**
   * Accepts connections at `path` until closed, and passes each to `onConnection`.
   *
   * @throws TransportError `in_use` if another process accepts connections there; other codes for other failures.
   */
  listen(path: string, onConnection: (socket: Socket) => void): Promise<Listener>;
  /**
   * Connects to the listener at `path`.
   *
   * @throws TransportError `not_running` if no process listens, `unsafe_directory` if another user could have made the
   * socket; other codes for other failures. Throws the signal's reason once it has aborted.
   */
  connect(path: string, options?: { readonly signal?: AbortSignal }): Promise<Socket>;
}

import type { Socket } from 'node:net';

/** Somebody who listens at a path. */
export interface Listener {
  readonly path: string;
  /** Ends all connections and frees the path; resolves once it is free. Closing twice is no error. */
  close(): Promise<void>;
}

/** How processes of one user on one machine reach one another. */
export interface Transport {
  /**
   * Takes connections at `path` until closed; `onConnection` gets each.
   *
   * @throws TransportError `in_use` when somebody answers there, and others.
   */
  listen(path: string, onConnection: (socket: Socket) => void): Promise<Listener>;
  /**
   * A connection to who listens at `path`.
   *
   * @throws TransportError `not_running` when nobody does, `unsafe_directory` when it may be somebody else, and others;
   * the signal's reason once it has aborted.
   */
  connect(path: string, options?: { readonly signal?: AbortSignal }): Promise<Socket>;
}

/** The address of ClickHouse: a server, or the embedded engine's socket (see `Engine.target`). */
export type ClickHouseTarget = ServerTarget | EmbeddedTarget;

/** The name and password of a ClickHouse user. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The user's own ClickHouse server or cluster. */
export interface ServerTarget {
  /** `http://` or `https://`, host and port of the HTTP interface. */
  readonly url: string;
  /** Default `default`. */
  readonly username?: string;
  /** Default empty. */
  readonly password?: string;
  /** The user that runs tenant queries. Without it {@link connectReader} throws. */
  readonly reader?: ServerReader;
}

/** The user of a ClickHouse server that runs tenant queries. */
export interface ServerReader extends Credentials {
  /** 64 hexadecimal digits that prove the scope of a query, see scope.ts; the same on every node. */
  readonly scopeKey: string;
}

/** The embedded engine: its Unix socket and the secrets of this start. */
export interface EmbeddedTarget {
  readonly socketPath: string;
  readonly admin: Credentials;
  readonly reader: Credentials;
  readonly parser: Credentials;
}

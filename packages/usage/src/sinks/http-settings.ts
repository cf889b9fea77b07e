/** Settings of the http sink. */
export interface HttpSinkOptions {
  /** The receiver of CloudEvents: http or https. A user and password in the URL are sent as Basic. */
  readonly url: string;
  /** Sent as Bearer; one word of visible ASCII characters. Default: none. */
  readonly token?: string | undefined;
  /** Records in one request. Default 500. */
  readonly batch?: number | undefined;
  /** Maximum time of one request, milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** The receiver of the http sink. */
export interface Receiver {
  /** Without credentials: fetch rejects a URL with credentials, and its error repeats the URL. */
  readonly url: string;
  /** A form that may be logged: scheme, host and port. A path or query may contain a secret. */
  readonly name: string;
  /** The Authorization header; null if there is no credential. */
  readonly authorization: string | null;
}

/** The receiver of settings. Throws if both a token and a user are given, because only one can be sent. */
export function receiverOf({ url: text, token }: HttpSinkOptions): Receiver {
  const url = new URL(text);
  if (token !== undefined && url.username !== '') {
    throw new Error(
      'WEIR_USAGE_HTTP_TOKEN is set and WEIR_USAGE_HTTP_URL has a user: only one of them can be sent',
    );
  }
  const authorization = token === undefined ? basic(url) : `Bearer ${token}`;
  url.username = '';
  url.password = '';
  return { url: url.href, name: url.origin, authorization };
}

function basic({ username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

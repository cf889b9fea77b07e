/** Parses the URLs of streams. */
import { StreamError } from '@weir/channel/stream';

/** The path prefix of every stream. */
export const STREAM_PATH = '/v1/stream/';

/** A placeholder host for relative paths. */
const HERE = 'weir.invalid';

/**
 * The name of the stream at a URL, or at a path of this server.
 * @param hosts the hosts of this server, such as `weir.example:8080`; default any
 * @throws StreamError `invalid_stream_name`
 */
export function streamAt(url: string, hosts?: readonly string[]): string {
  const base = `http://${HERE}`;
  const parsed = URL.canParse(url, base) ? new URL(url, base) : null;
  const isOwn = hosts === undefined || (parsed !== null && [HERE, ...hosts].includes(parsed.host));
  const path = isOwn ? (parsed?.pathname ?? '') : '';
  try {
    if (path.startsWith(STREAM_PATH)) return decodeURIComponent(path.slice(STREAM_PATH.length));
  } catch {
    // The percent-encoded bytes are not UTF-8.
  }
  const shown = JSON.stringify(url.slice(0, 100));
  throw new StreamError('invalid_stream_name', `${shown} is not a stream path of this server`, {
    hint: `a stream is at ${STREAM_PATH}{name}, on this server`,
  });
}

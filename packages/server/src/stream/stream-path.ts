/** Where streams are, as URLs say it. */
import { StreamError } from '@weir/channel/stream';

/** Begins the path of every stream. */
export const STREAM_PATH = '/v1/stream/';

/** Stands for this server in a path. */
const HERE = 'weir.invalid';

/**
 * The name of the stream at a URL, or a path of this server.
 * @param hosts this server's, such as `weir.example:8080`; default any
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
    // No UTF-8 behind the percent signs.
  }
  const shown = JSON.stringify(url.slice(0, 100));
  throw new StreamError('invalid_stream_name', `${shown} is not the path of a stream here`, {
    hint: `a stream is at ${STREAM_PATH}{name}, on this server`,
  });
}

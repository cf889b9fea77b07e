/** Where streams are, as URLs say it. */
import { StreamError } from '@weir/stream';

/** Begins the path of every stream. */
export const STREAM_PATH = '/v1/stream/';

/**
 * The name of the stream at a URL, or a path of this server.
 * @throws StreamError `invalid_stream_name`
 */
export function streamAt(url: string): string {
  const base = 'http://weir.invalid';
  const path = URL.canParse(url, base) ? new URL(url, base).pathname : '';
  try {
    if (path.startsWith(STREAM_PATH)) return decodeURIComponent(path.slice(STREAM_PATH.length));
  } catch {
    // No UTF-8 behind the percent signs.
  }
  const shown = JSON.stringify(url.slice(0, 100));
  throw new StreamError('invalid_stream_name', `${shown} is not the path of a stream`, {
    hint: `a stream is at ${STREAM_PATH}{name}`,
  });
}

/** Media types; compared without parameters and case-insensitively (RFC 9110, section 8.3.1). */

/** The content type of a stream that was created without one. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

/** The media type without parameters, in lower case. */
function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

export function isSameType(one: string, other: string): boolean {
  return mediaTypeOf(one) === mediaTypeOf(other);
}

/** Whether the stream stores separate messages. */
export function isJson(contentType: string): boolean {
  return mediaTypeOf(contentType) === 'application/json';
}

/** Whether the content is text. */
export function isText(contentType: string): boolean {
  return isJson(contentType) || mediaTypeOf(contentType).startsWith('text/');
}

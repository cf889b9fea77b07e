/** Media types: they are compared without their parameters and without regard to case (RFC 9110 section 8.3.1). */

/** What a stream holds that was created without saying so. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

/** The media type alone, in lower case. */
function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

export function isSameType(one: string, other: string): boolean {
  return mediaTypeOf(one) === mediaTypeOf(other);
}

/** Whether the stream keeps messages apart. */
export function isJson(contentType: string): boolean {
  return mediaTypeOf(contentType) === 'application/json';
}

/** Whether what is stored is text. */
export function isText(contentType: string): boolean {
  return isJson(contentType) || mediaTypeOf(contentType).startsWith('text/');
}

/**
 * The wait that a `Retry-After` header requests, milliseconds: seconds or an HTTP date (RFC 9110, section 10.2.3).
 * Undefined without the header, or if it is neither.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // `Date.parse` accepts far more than HTTP dates: "1.5" is a day in the year 2001.
  const date = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(asUtc(text)) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The obsolete `asctime` format has no zone, and means UTC. */
function asUtc(text: string): string {
  return text.endsWith('GMT') ? text : `${text} GMT`;
}

/** The wait in milliseconds that a `Retry-After` header asks for (RFC 9110, section 10.2.3); 0 without one. */
export function retryAfterMs(headers: Headers, now: number): number {
  const text = headers.get('retry-after');
  if (text === null) return 0;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

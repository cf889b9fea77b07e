/**
 * The URL of a request without slashes that a client put in by joining paths: `//api/v1/x/` is `/api/v1/x`. A page whose
 * request ended at an unknown path could not read the answer, and would see a CORS error in place of the real one.
 */
export function tidyUrl(url: string): string {
  if (!url.startsWith('/api/') && !url.startsWith('//')) return url;
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (!path.includes('//') && !path.endsWith('/')) return url;
  const tidy = path.replace(/\/{2,}/g, '/');
  if (!tidy.startsWith('/api/')) return url;
  return tidy.replace(/\/$/, '') + (query < 0 ? '' : url.slice(query));
}

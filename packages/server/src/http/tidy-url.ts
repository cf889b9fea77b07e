/**
 * Removes extra slashes that a client created by joining paths: `//api/v1/x/` becomes `/api/v1/x`. Otherwise a browser
 * page could not read the answer for the unknown path, and would see a CORS error instead of the real one.
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

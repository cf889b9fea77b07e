import { usageError } from '../cli-error.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']);

/**
 * Normalizes a server URL, without a trailing slash.
 * @throws CliError `usage` if it is not an http or https URL
 */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usageError(`"${text}" is not a server's URL`, 'Write it as http://127.0.0.1:8080');
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError('the server URL holds a user or password', 'Use --key, --operator-key or --token');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** True if two URLs name the same server; all loopback addresses are equal. */
export function isSameServer(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(text: string): string {
  const url = new URL(text);
  const host = LOOPBACK.has(url.hostname) ? '127.0.0.1' : url.hostname;
  return `${url.protocol}//${host}:${url.port}${url.pathname.replace(/\/+$/, '')}`;
}

import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';

/** A client's address. */
export type RemoteAddress = (request: IncomingMessage) => string;

/**
 * Reads addresses past the proxies that are trusted.
 * @param trusted addresses or CIDR ranges, comma separated; empty believes no header
 */
export function remoteAddress(trusted: string): RemoteAddress {
  if (trusted.trim() === '') return (request) => request.socket.remoteAddress ?? '';
  const trust = proxyAddr.compile(rangesOf(trusted));
  return (request) => proxyAddr(request, trust);
}

/** Whether a text is what {@link remoteAddress} takes. */
export function areAddresses(text: string): boolean {
  if (text.trim() === '') return true;
  try {
    proxyAddr.compile(rangesOf(text));
    return true;
  } catch {
    return false;
  }
}

function rangesOf(text: string): string[] {
  return text.split(',').map((range) => range.trim());
}

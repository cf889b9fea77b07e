import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';

/** Returns the address of the client. */
export type RemoteAddress = (request: IncomingMessage) => string;

/**
 * Reads client addresses behind trusted proxies.
 * @param trusted addresses or CIDR ranges, comma separated; if empty, forwarding headers are ignored
 */
export function remoteAddress(trusted: string): RemoteAddress {
  if (trusted.trim() === '') return (request) => request.socket.remoteAddress ?? '';
  const trust = proxyAddr.compile(rangesOf(trusted));
  return (request) => proxyAddr(request, trust);
}

/** Whether a text is a valid argument of {@link remoteAddress}. */
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

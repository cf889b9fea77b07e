/** Rules of RFC 9110 and RFC 9112 for the head of a request that Node's parser does not enforce. */
import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.js';

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Parses a target in absolute form (RFC 9112, section 3.2.2): a server must accept it, and its host overrides the Host
 * header.
 */
export function normalizeTarget(request: IncomingMessage): void {
  const { url = '' } = request;
  if (url.startsWith('/')) return;
  const match = ABSOLUTE.exec(url);
  if (match === null) return;
  const [, host = '', rest = ''] = match;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = host;
}

/**
 * The problem with a head; null if it is valid. A proxy and this server may interpret each of these faults differently.
 */
export function faultOfHead({ headers, rawHeaders, httpVersion }: IncomingMessage): Problem | null {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) return invalid('the request has more than one Host header');
  if (hosts === 0 && httpVersion === '1.1') return invalid('the request has no Host header');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    return new Problem(
      'unsupported_transfer_coding',
      `the transfer coding "${coding.slice(0, 80)}" is not known here`,
      {
        hint: 'send "Transfer-Encoding: chunked" alone, and name a compression in Content-Encoding',
      },
    );
  }
  return null;
}

function invalid(detail: string): Problem {
  return new Problem('invalid_request', detail, { hint: 'send exactly one (RFC 9112 section 3.2)' });
}

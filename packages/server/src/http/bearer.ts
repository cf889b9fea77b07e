import type { IncomingMessage } from 'node:http';

/** The bearer credential of a request; null if there is none. */
export function bearerOf(request: IncomingMessage): string | null {
  const match = /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

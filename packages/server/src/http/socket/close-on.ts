import type { WebSocket } from 'ws';

/** Close codes (RFC 6455 section 7.4.1). */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;

/** Closes a socket when a signal aborts. */
export function closeOn(signal: AbortSignal, socket: WebSocket, code: number, reason: string): void {
  const close = (): void => socket.close(code, reason);
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', close));
}

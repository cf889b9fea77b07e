/** Requests without an answer, as errors. */
import { WeirError } from '../weir-error.js';

/** The error of a request that got no answer. */
export function unreachable(url: string, cause: unknown): WeirError {
  return new WeirError('unreachable', `no answer from ${url}: ${failureReason(cause)}`, {}, { cause });
}

/** The error of a call that a signal of the caller ended. */
export function cancelled(signal: AbortSignal): WeirError {
  return new WeirError('cancelled', 'cancelled by the caller', {}, { cause: signal.reason });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'timed out',
  UND_ERR_CONNECT_TIMEOUT: 'timed out',
};

/** Why a request failed, in words: `fetch` hides the reason in the cause of its TypeError. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'timed out';
  const inner = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return REASONS[code] ?? (inner.message || code || error.message);
}

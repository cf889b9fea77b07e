/** The usage record of each HTTP request, found by the request wherever something is learned about it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DenialReason } from '@weir/extension';
import type { EngineMeter } from '@weir/query';
import type { RequestRecord, UsageService } from '@weir/usage';
import { requestIdOf } from '../http/request-id.js';
import { whenDone } from '../http/when-done.js';
import { takeBytes } from './wire-bytes.js';

const upgraded = new WeakSet<IncomingMessage>();
const openEnded = new WeakSet<IncomingMessage>();
const records = new WeakMap<IncomingMessage, RequestRecord>();

/** What a request is called until its route is known, and where it has none. */
const UNROUTED = 'unrouted';

/** Begins a request's record, and ends it when the response is done or the client has left. */
export function beginUsage(service: UsageService, request: IncomingMessage, response: ServerResponse): void {
  const stack = stackOf('', request, UNROUTED);
  const record = service.begin({ rid: requestIdOf(request), src: 'http', stack });
  records.set(request, record);
  whenDone(request, response, () =>
    record.end({
      ...outcomeOf(request, response),
      ...takeBytes(request.socket),
    }),
  );
}

/** Says that a request became a WebSocket: its record ends with the connection. */
export function becameSocket(request: IncomingMessage): void {
  upgraded.add(request);
}

function outcomeOf(request: IncomingMessage, response: ServerResponse) {
  if (upgraded.has(request)) return { httpStatus: 101, isWhole: true };
  return {
    httpStatus: response.headersSent ? response.statusCode : null,
    isWhole: response.writableFinished || openEnded.has(request),
  };
}

/**
 * An answer without an end of its own, such as an event stream: whole also when its client closes it. If `chunks` fails
 * while the client is there, the request has failed.
 */
export async function* openEndedAnswer(
  request: IncomingMessage,
  chunks: AsyncIterable<string>,
): AsyncGenerator<string> {
  openEnded.add(request);
  try {
    yield* chunks;
  } catch (error) {
    if (!request.socket.destroyed) usageOf(request)?.fail();
    throw error;
  }
}

const DENIALS: ReadonlySet<string> = new Set<DenialReason>([
  'draining',
  'suspended',
  'payment_required',
  'rate_limited',
  'at_capacity',
]);

/**
 * Says that a request is refused with a problem's code. The codes of the admission gate mean a denial wherever they come
 * from: a body that arrives while the server stops is as denied as a request.
 */
export function noteRefusal(request: IncomingMessage, code: string): void {
  if (isDenial(code)) usageOf(request)?.deny(code);
}

function isDenial(code: string): code is DenialReason {
  return DENIALS.has(code);
}

/** A request's record; undefined where usage is switched off. */
export function usageOf(request: IncomingMessage): RequestRecord | undefined {
  return records.get(request);
}

/** How a record names what was asked: surface, method and route template. */
export function stackOf(surface: string, request: IncomingMessage, route: string): string {
  return `${surface || 'system'}:${request.method} ${route}`;
}

/** Counts the engine's share of a request. */
export function meterOf(request: IncomingMessage): { readonly meter?: EngineMeter } {
  const record = usageOf(request);
  return record === undefined ? {} : { meter: { begun: () => record.compute() } };
}

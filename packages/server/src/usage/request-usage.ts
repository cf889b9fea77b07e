/** The usage record of each HTTP request, looked up by the request wherever facts about it become known. */
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

/** The route name in a record without a known route. */
const UNROUTED = 'unrouted';

/** Starts the record of a request, and ends it when the response ends or the client disconnects. */
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

/** Marks a request as a WebSocket: its record ends with the connection. */
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
 * An answer without an own end, such as an event stream: it counts as complete even if the client closes it. An error
 * of `chunks` while the client is connected marks the request as failed.
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
 * Records the refusal of a request by the code of a problem. Codes of the admission gate count as a denial from any
 * source: a body that arrives during the shutdown is denied like a request.
 */
export function noteRefusal(request: IncomingMessage, code: string): void {
  if (isDenial(code)) usageOf(request)?.deny(code);
}

function isDenial(code: string): code is DenialReason {
  return DENIALS.has(code);
}

/** The record of a request; undefined if usage is switched off. */
export function usageOf(request: IncomingMessage): RequestRecord | undefined {
  return records.get(request);
}

/** The name of a request in records: surface, method and route template. */
export function stackOf(surface: string, request: IncomingMessage, route: string): string {
  return `${surface || 'system'}:${request.method} ${route}`;
}

/** Adds the engine's work to the record of a request. */
export function meterOf(request: IncomingMessage): { readonly meter?: EngineMeter } {
  const record = usageOf(request);
  return record === undefined ? {} : { meter: { begun: () => record.compute() } };
}

/** The usage record of each HTTP request, found by the request wherever something is learned about it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EngineMeter } from '@weir/query';
import type { RequestRecord, UsageService } from '@weir/usage';
import { requestIdOf } from '../http/request-id.js';
import { whenDone } from '../http/when-done.js';
import { takeBytes } from './wire-bytes.js';

const upgraded = new WeakSet<IncomingMessage>();
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
    isWhole: response.writableFinished,
  };
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

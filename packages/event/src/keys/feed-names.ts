import type { Params } from '../params/params.js';
import { ANY_EVENT } from './weir-event.js';

/**
 * Event names that a key needs from the feed, so that the server sends no others; undefined for all. A key of type
 * `weir.event` needs every name, or those of its `multi` param `event`; any other key needs events named like its type.
 */
export function feedNames(
  key: { readonly eventType: string },
  params: Params,
): readonly string[] | undefined {
  if (key.eventType !== ANY_EVENT) return [key.eventType];
  const { event } = params;
  return typeof event === 'object' && event.length > 0 ? event : undefined;
}

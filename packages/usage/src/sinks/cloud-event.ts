import type { UsageEvent } from '@weir/extension';
import { documentOf, type UsageDocument } from '../records/document.js';

/** A usage record as a CloudEvent 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). */
export interface UsageCloudEvent {
  readonly specversion: '1.0';
  /** The id of the record. With `source` it is unique, and the same in every delivery. */
  readonly id: string;
  /** `urn:weir:node:` and the node's name, percent-encoded. */
  readonly source: string;
  readonly type: 'weir.usage.v1';
  /** The tenant. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: UsageDocument;
}

/** A record as a CloudEvent. */
export function cloudEventOf(event: UsageEvent): UsageCloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source: `urn:weir:node:${encodeURIComponent(event.nodeId)}`,
    type: 'weir.usage.v1',
    subject: event.tenant,
    time: event.time,
    datacontenttype: 'application/json',
    data: documentOf(event),
  };
}

import { rawEvent } from '@weir/event';
import type { Message } from '../message.js';

/** A consumer's hello. */
export const CONSUMER = {
  type: 'hello',
  role: 'consumer',
  protocol: 2,
  version: '1.0.0',
  pid: 42,
  secret: 's',
  event_key: 'weir.event',
  event_type: 'event',
  subscription_id: 'weir.event:x',
  source: { kind: 'feed', server: 'http://127.0.0.1:8080', project: 'p', stream: 'events', names: ['event'] },
  credential: 'k',
  needs_lease: true,
  single_consumer: false,
  buffer_size: 100,
  on_slow: 'replay',
} as const;

const SOURCE = { source: 'feed', state: 'reconnecting', lag_ms: 1.5, message: 'refused' } as const;

/** At least one message of each type and of each variant. */
export const SAMPLES: readonly Message[] = [
  { ...CONSUMER, identity: 'me', keys_file: '/k.mjs', params: { a: ['b'] }, from: 'latest', group: 'g' },
  { type: 'hello_ack', ok: true, protocol: 2, version: '1.0.0', pid: 1, pre_consume: true },
  {
    type: 'event',
    seq: 1,
    cursor: 'c',
    delivery: { id: 'd', attempt: 2 },
    event: rawEvent(
      { event_id: 'e', event_type: 't', source_time: '1', timestamp: 'T' },
      '{"ü":[1,"✓",null]}',
    ),
  },
  { type: 'ack', of: 'deliveries', ids: ['d1', 'd2'] },
  {
    type: 'bye',
    reason: 'upstream',
    message: 'no',
    error: { kind: 'auth', code: 'unauthorized', hint: 'h' },
  },
  { type: 'pre_shutdown_check' },
  { type: 'pre_shutdown_ack', last: true, state: { id: 5 } },
  { type: 'source_status', ...SOURCE, last_event_time: '2026-01-01T00:00:00Z', cursor: 'c', missed: 2 },
  { type: 'status_query' },
  {
    type: 'status_response',
    pid: 1,
    version: '1.0.0',
    uptime_ms: 12.5,
    consumers: [
      {
        pid: 2,
        event_key: 'k',
        subscription_id: 'k',
        group: 'g',
        on_slow: 'drop-oldest',
        received: 1,
        dropped: 0,
        queued: 3,
      },
    ],
    more_consumers: 4,
    sources: [SOURCE],
  },
  { type: 'shutdown', force: false },
];

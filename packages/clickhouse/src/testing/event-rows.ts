/** One row of `events_raw_v1`. */
export interface EventRow {
  readonly projectId: string;
  /** Its place in the log: epoch, offset, index. */
  readonly place: readonly [epoch: number, offset: number, index: number];
  readonly event: string;
  readonly eventId: string;
  readonly anonymousId: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** Epoch milliseconds; also the time of receipt. */
  readonly timestamp: number;
  /** JSON text. */
  readonly properties: string;
}

/** Rows of `events_raw_v1` as RowBinary, for tests and measurements. */
export interface EventRowsOptions {
  readonly projectId: string;
  readonly count: number;
  readonly event?: string;
  /** The first row's offset in the log. */
  readonly offset?: number;
  /** Epoch milliseconds. Default: the middle of 2026. */
  readonly timestamp?: number;
}

/** The INSERT statement for {@link eventRows}. */
export const EVENTS_INSERT =
  'INSERT INTO weir_base.events_raw_v1 (log_epoch, log_offset, log_index, project_id, event, event_id, anonymous_id, user_id, session_id, timestamp, properties, extras, received_at) FORMAT RowBinary';

/** One buffer for each row. */
export function eventRows(options: EventRowsOptions): Buffer[] {
  return Array.from({ length: options.count }, (_, n) =>
    eventRow({
      projectId: options.projectId,
      place: [1, (options.offset ?? 0) + n, n % 100],
      event: options.event ?? `event_${n % 10}`,
      eventId: `0192f0c1-1111-7000-8000-${String(n).padStart(12, '0')}`,
      anonymousId: `anonymous_${n % 1000}`,
      userId: `user_${n % 100}`,
      sessionId: null,
      timestamp: options.timestamp ?? Date.UTC(2026, 5, 15),
      properties: JSON.stringify({
        path: '/a/b/c',
        price: n * 1.5,
        referrer: `https://example.com/${n}`,
        title: 'hello',
      }),
    }),
  );
}

/** One row in the format of {@link EVENTS_INSERT}. */
export function eventRow(row: EventRow): Buffer {
  const uuid = Buffer.from(row.projectId.replaceAll('-', ''), 'hex');
  const place = Buffer.alloc(16);
  place.writeUInt32LE(row.place[0], 0);
  place.writeBigUInt64LE(BigInt(row.place[1]), 4);
  place.writeUInt32LE(row.place[2], 12);
  const time = Buffer.alloc(8);
  time.writeBigInt64LE(BigInt(row.timestamp));
  return Buffer.concat([
    place,
    // ClickHouse stores a UUID as two little-endian halves.
    Buffer.from(uuid.subarray(0, 8)).reverse(),
    Buffer.from(uuid.subarray(8)).reverse(),
    string(row.event),
    string(row.eventId),
    optional(row.anonymousId),
    optional(row.userId),
    optional(row.sessionId),
    time,
    string(row.properties),
    string('{}'),
    time,
  ]);
}

function optional(value: string | null): Buffer {
  return value === null ? Buffer.from([1]) : Buffer.concat([Buffer.from([0]), string(value)]);
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

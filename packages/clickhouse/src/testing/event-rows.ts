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

/** The statement the rows of {@link eventRows} belong to. */
export const EVENTS_INSERT =
  'INSERT INTO weir_base.events_raw_v1 (log_epoch, log_offset, log_index, project_id, event, event_id, anonymous_id, user_id, session_id, timestamp, properties, extras, received_at) FORMAT RowBinary';

/** One buffer a row. */
export function eventRows(options: EventRowsOptions): Buffer[] {
  const uuid = Buffer.from(options.projectId.replaceAll('-', ''), 'hex');
  // ClickHouse keeps a UUID as two little-endian halves.
  const project = Buffer.concat([
    Buffer.from(uuid.subarray(0, 8)).reverse(),
    Buffer.from(uuid.subarray(8)).reverse(),
  ]);
  const time = Buffer.alloc(8);
  time.writeBigInt64LE(BigInt(options.timestamp ?? Date.UTC(2026, 5, 15)));
  return Array.from({ length: options.count }, (_, n) => {
    const place = Buffer.alloc(16);
    place.writeUInt32LE(1, 0);
    place.writeBigUInt64LE(BigInt((options.offset ?? 0) + n), 4);
    place.writeUInt32LE(n % 100, 12);
    return Buffer.concat([
      place,
      project,
      string(options.event ?? `event_${n % 10}`),
      string(`0192f0c1-1111-7000-8000-${String(n).padStart(12, '0')}`),
      optional(`anonymous_${n % 1000}`),
      optional(`user_${n % 100}`),
      optional(null),
      time,
      string(
        JSON.stringify({
          path: '/a/b/c',
          price: n * 1.5,
          referrer: `https://example.com/${n}`,
          title: 'hello',
        }),
      ),
      string('{}'),
      time,
    ]);
  });
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

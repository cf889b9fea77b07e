/**
 * An event's place in order of arrival as one number (UInt128), from the columns of `events_raw_v1`: epoch, offset and
 * index. One number, because ClickHouse compares tuples value by value, many times slower.
 */
export const PLACE =
  'bitShiftLeft(toUInt128(log_epoch), 96) + bitShiftLeft(toUInt128(log_offset), 32) + toUInt128(log_index)';

/** The order by timestamp and, where that is equal, by arrival (Int256: times before 1970 are below zero). */
export const MOMENT = `bitShiftLeft(toInt256(toUnixTimestamp64Milli(timestamp)), 128) + toInt256(${PLACE})`;

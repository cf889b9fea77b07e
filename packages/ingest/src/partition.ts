/**
 * The partition of `events_raw_v1` for a timestamp, as in the table's PARTITION BY: the month from 2015 to
 * 2040, the year outside, so that one public token cannot create thousands of parts with odd dates.
 *
 * @param timestamp epoch milliseconds
 * @returns YYYYMM, or YYYY00 for a year outside
 */
export function partitionOf(timestamp: number): number {
  const date = new Date(timestamp);
  const year = date.getUTCFullYear();
  return year * 100 + (year >= 2015 && year <= 2040 ? date.getUTCMonth() + 1 : 0);
}

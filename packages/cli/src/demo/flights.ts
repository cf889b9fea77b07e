/**
 * The flights of vega-datasets as events: domestic flights in the United States from January 2001 on, as airlines
 * reported them to the Bureau of Transportation Statistics. The file has a row group every 272,727 rows; one at a time
 * is in memory.
 */
import { fileURLToPath } from 'node:url';
import { decompress } from 'fzstd';
import { asyncBufferFromFile, type Compressors, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { z } from 'zod';
import type { OutgoingEvent } from '../send/outgoing-event.js';

/** Flights in the file. */
export const MAX_FLIGHTS = 3_000_000;

/** Events that are handed on together. */
const CHUNK = 1_000;

const COMPRESSORS: Compressors = {
  ZSTD: (input, outputLength) => decompress(input, new Uint8Array(outputLength)),
};

const flight = z.object({
  date: z.date(),
  delay: z.bigint().nullable(),
  distance: z.bigint().nullable(),
  origin: z.string(),
  destination: z.string(),
});

/** Where the installed data set is. */
export function flightsPath(): string {
  return fileURLToPath(new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets')));
}

/**
 * The first flights of the file, oldest first, as events `flight`. Their ids come from their place in the file, so that
 * the same flight is the same event however often it is sent.
 * @param count at most {@link MAX_FLIGHTS}
 */
export async function* flightEvents(count: number): AsyncGenerator<OutgoingEvent[]> {
  const file = await asyncBufferFromFile(flightsPath());
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = Math.min(rowStart + Number(group.num_rows), count);
    if (rowStart >= rowEnd) return;
    const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors: COMPRESSORS });
    for (let at = 0; at < rows.length; at += CHUNK) {
      const first = rowStart + at;
      yield rows.slice(at, at + CHUNK).map((row, i) => flightEvent(row, first + i));
    }
    rowStart = rowEnd;
  }
}

function flightEvent(row: unknown, index: number): OutgoingEvent {
  const { date, delay, distance, origin, destination } = flight.parse(row);
  const event = {
    event: 'flight',
    event_id: `vega-flights-3m-${index}`,
    timestamp: date.toISOString(),
    properties: { origin, destination, delay: numberOf(delay), distance: numberOf(distance) },
  };
  return { origin: { file: null, line: index + 1 }, bytes: Buffer.from(JSON.stringify(event)) };
}

function numberOf(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

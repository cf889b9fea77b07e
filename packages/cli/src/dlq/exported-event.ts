import { z } from 'zod';

/** An event inside a dead letter. `properties` and `extras` are JSON texts, so that numbers keep their digits. */
export const storedEvent = z.object({
  event: z.string(),
  event_id: z.string(),
  anonymous_id: z.string().nullable(),
  user_id: z.string().nullable(),
  session_id: z.string().nullable(),
  timestamp: z.number(),
  properties: z.string(),
  extras: z.string(),
});

/** Converts the event into an NDJSON line for `weir send`. */
export function exportedEvent({ properties, extras, ...rest }: z.output<typeof storedEvent>): string {
  // Send a text, because the ingest route rejects small millisecond values (before 1973) as seconds.
  const timestamp = new Date(rest.timestamp).toISOString();
  const members = Object.entries({ ...rest, timestamp }).filter(([, value]) => value !== null);
  const head = JSON.stringify(Object.fromEntries(members)).slice(0, -1);
  return `${head},"properties":${properties},"extras":${extras}}`;
}

import { z } from 'zod';

/** An event as a dead letter holds it: `properties` and `extras` are JSON texts, so that numbers keep their digits. */
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

/** The event as a line of NDJSON that `weir send` takes. */
export function exportedEvent({ properties, extras, ...rest }: z.output<typeof storedEvent>): string {
  // As text: the ingest route takes milliseconds of the early seventies for seconds.
  const timestamp = new Date(rest.timestamp).toISOString();
  const members = Object.entries({ ...rest, timestamp }).filter(([, value]) => value !== null);
  const head = JSON.stringify(Object.fromEntries(members)).slice(0, -1);
  return `${head},"properties":${properties},"extras":${extras}}`;
}

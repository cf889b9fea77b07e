import * as z from 'zod';

/** An event document as the feed delivers it: the sent event and its arrival time. */
export const eventDocument = z
  .looseObject({
    event: z.string().describe('Name of the event'),
    event_id: z.string().describe('What makes it this event and no other'),
    user_id: z.string().optional().describe('Who did it, once known'),
    anonymous_id: z.string().optional().describe('Who did it, before anybody knew who'),
    session_id: z.string().optional().describe('The visit that it belongs to'),
    timestamp: z.iso.datetime().describe('When it happened, by the clock of who sent it'),
    received_at: z.iso.datetime().describe('When the server accepted it'),
    properties: z
      .record(z.string(), z.json())
      .describe('What the sender says of it; numbers have every digit'),
    extras: z.record(z.string(), z.json()).describe('Members beside `properties` that the sender added'),
  })
  .describe('An event of the project');

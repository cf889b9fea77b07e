import * as z from 'zod';

/** An event document as the feed delivers it: the sent event and its arrival time. */
export const eventDocument = z
  .looseObject({
    event: z.string().describe('Name of the event'),
    event_id: z.string().describe('Unique id of the event'),
    user_id: z.string().optional().describe('The user, once known'),
    anonymous_id: z.string().optional().describe('The visitor before identification'),
    session_id: z.string().optional().describe('The visit that it belongs to'),
    timestamp: z.iso.datetime().describe('When it happened, by the clock of the sender'),
    received_at: z.iso.datetime().describe('When the server accepted it'),
    properties: z.record(z.string(), z.json()).describe('Data of the sender; numbers keep all digits'),
    extras: z.record(z.string(), z.json()).describe('Further members that the sender added'),
  })
  .describe('An event of the project');

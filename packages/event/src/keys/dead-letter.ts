import * as z from 'zod';
import { defineKey } from '../key/key-definition.js';

const deadLetter = z
  .looseObject({
    id: z.string().describe('The letter, as `weir dlq show` takes it'),
    project_id: z.string(),
    state: z
      .enum(['active', 'quarantined'])
      .optional()
      .describe('`active` is retried automatically; `quarantined` waits for a decision of an operator'),
    reason: z.string().describe('Why its events were not stored, as a code'),
    last_error: z.string().optional().describe('The last error message'),
    event_count: z.int().optional().describe('Events that it holds'),
    attempt_count: z.int().optional(),
    created_at: z.iso.datetime(),
  })
  .describe('Events that were accepted and could not be stored yet');

/** `weir.ingest.dead_letter`: events of a project that could not be stored. */
export const ingestDeadLetter = defineKey({
  key: 'weir.ingest.dead_letter',
  displayName: 'Dead letter',
  description: 'Accepted events that could not be stored yet',
  eventType: 'weir.ingest.dead_letter',
  schema: { custom: { type: deadLetter } },
  scopes: ['feed'],
  authTypes: ['bot'],
});

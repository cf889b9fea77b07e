import * as z from 'zod';
import { isJsonObject, type JsonValue } from '../json.js';
import { defineKey } from '../key/key-definition.js';

/** A process change as the feed delivers it: docs/processes.md. */
const processDocument = z
  .looseObject({
    id: z.string().describe('The process'),
    event_id: z.string().describe('This change of it'),
    change: z
      .enum(['submitted', 'assigned', 'returned', 'observed', 'closed', 'cancelled', 'expired'])
      .describe('What happened'),
    at: z.iso.datetime().describe('When it happened'),
    project_id: z.string(),
    name: z.string().describe('What it does'),
    state: z.enum(['waiting', 'running', 'success', 'failed', 'cancelled']).describe('Current state'),
    executor_type: z.string().describe('Type of executors that can run it'),
    priority: z.int(),
    submitter_id: z.string().describe('Credential that submitted'),
    executor_id: z.string().nullable().describe('Credential that has it'),
    attempt: z.int().describe('Number of the assignment; of the next one while it waits'),
    max_retries: z.int(),
    max_wait_ms: z.int().nullable(),
    max_exec_ms: z.int().nullable(),
    channels: z.array(z.looseObject({ name: z.string(), direction: z.string(), retention: z.string() })),
    observers: z.array(z.string()).describe('Credentials that may read its channels'),
    args: z.json().optional().describe('Absent if larger than 4 KiB'),
    output: z.json().optional().describe('Result; absent if larger than 4 KiB'),
    omitted: z
      .array(z.enum(['args', 'output']))
      .optional()
      .describe('Members omitted because of their size'),
    error: z.string().nullable().describe('Why it failed'),
    created_at: z.iso.datetime(),
    assigned_at: z.iso.datetime().nullable(),
    heartbeat_at: z.iso.datetime().nullable(),
    due_at: z.iso.datetime().nullable().describe('When its wait or its run times out'),
    closed_at: z.iso.datetime().nullable(),
  })
  .describe('A change of a process of the project');

const states = [
  { value: 'waiting', desc: 'no executor has it' },
  { value: 'running', desc: 'an executor has it' },
  { value: 'success', desc: 'its executor closed it with success' },
  { value: 'failed', desc: 'its executor reported a failure, or no executor responded in time' },
  { value: 'cancelled', desc: 'its submitter cancelled it' },
] as const;

/** `weir.process`: changes of a project's processes. */
export const process = defineKey({
  key: 'weir.process',
  displayName: 'Process',
  description: 'Every change of a process: submitted, assigned, returned, closed, cancelled, expired',
  eventType: 'weir.process',
  params: [
    {
      name: 'project',
      type: 'string',
      description: 'Id of the project (default: the connected project)',
      subscriptionKey: true,
    },
    {
      name: 'state',
      type: 'enum',
      values: states,
      description: 'Only changes to this state',
    },
    { name: 'name', type: 'string', description: 'Only processes of this name' },
  ],
  schema: { custom: { type: processDocument } },
  scopes: ['feed'],
  authTypes: ['bot'],
  match: ({ payload }, { state, name }) =>
    (state === undefined || member(payload, 'state') === state) &&
    (name === undefined || member(payload, 'name') === name),
});

function member(document: JsonValue, name: string): JsonValue | undefined {
  return isJsonObject(document) ? document[name] : undefined;
}

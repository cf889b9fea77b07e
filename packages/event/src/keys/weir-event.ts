import { isJsonObject } from '../json.js';
import { defineKey } from '../key/key-definition.js';
import type { RawEvent } from '../raw-event.js';
import { eventDocument } from './event-document.js';
import { type Condition, fulfils, parseConditions } from './where.js';

/** Event type of keys that match every event of a project. */
export const ANY_EVENT = 'weir.event';

const params = [
  {
    name: 'project',
    type: 'string',
    description: 'Id of the project (default: the connected project)',
    subscriptionKey: true,
  },
  { name: 'event', type: 'multi', anyValue: true, description: 'Only events of these names' },
  { name: 'user_id', type: 'string', description: 'Only events of this user' },
  {
    name: 'where',
    type: 'multi',
    anyValue: true,
    description:
      'Only events that fulfil all of these: path=value or path!=value, such as properties.plan=pro',
  },
] as const;

interface Wanted {
  readonly event: readonly string[];
  readonly user_id: string | undefined;
  readonly where: readonly string[];
}

// A consumer's params never change, so its conditions are parsed once.
const read = new WeakMap<readonly string[], readonly Condition[]>();

function conditionsOf(where: readonly string[]): readonly Condition[] {
  const known = read.get(where);
  if (known !== undefined) return known;
  const conditions = parseConditions(where);
  read.set(where, conditions);
  return conditions;
}

function isWanted({ payload, event_type }: RawEvent, { event, user_id, where }: Wanted): boolean {
  if (event.length > 0 && !event.includes(event_type)) return false;
  if (user_id !== undefined && userOf(payload) !== user_id) return false;
  return conditionsOf(where).every((condition) => fulfils(payload, condition));
}

const userOf = (payload: RawEvent['payload']) => (isJsonObject(payload) ? payload.user_id : undefined);

/** `weir.event`: every event of a project. */
export const weirEvent = defineKey({
  key: 'weir.event',
  displayName: 'Event',
  description: 'Every event that a project accepts, a few milliseconds after it was accepted',
  eventType: ANY_EVENT,
  params,
  schema: { custom: { type: eventDocument } },
  scopes: ['feed'],
  authTypes: ['bot'],
  bufferSize: 1000,
  normalizeParams: (_api, given) => {
    parseConditions(given.where);
    return given;
  },
  match: isWanted,
});

/** `weir.event.identified`: events with a user id. */
export const weirEventIdentified = defineKey({
  ...weirEvent,
  key: 'weir.event.identified',
  displayName: 'Event of a known user',
  description: 'Events with a user_id',
  schema: { custom: { type: eventDocument.required({ user_id: true }) } },
  match: (event, wanted) => typeof userOf(event.payload) === 'string' && isWanted(event, wanted),
});

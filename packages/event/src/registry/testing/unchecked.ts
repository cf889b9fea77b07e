import * as z from 'zod';
import type { KeyDefinition } from '../../index.js';

/** A valid schema. */
export const custom = { custom: { type: z.object({ total: z.number() }) } };

/** A valid definition. */
export const good = { key: 'shop.order', eventType: 'order', schema: custom };

/** A definition as in an untyped keys file. */
export function unchecked(members: object): KeyDefinition {
  // The wrong type is the subject of these tests.
  return { ...good, ...members } as unknown as KeyDefinition;
}

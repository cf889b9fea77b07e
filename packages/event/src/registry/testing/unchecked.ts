import * as z from 'zod';
import type { KeyDefinition } from '../../index.js';

/** A schema to which nothing is wrong. */
export const custom = { custom: { type: z.object({ total: z.number() }) } };

/** A definition to which nothing is wrong. */
export const good = { key: 'shop.order', eventType: 'order', schema: custom };

/** A definition as a file of keys has it that no compiler has seen. */
export function unchecked(members: object): KeyDefinition {
  // That the type is wrong is what the tests are about.
  return { ...good, ...members } as unknown as KeyDefinition;
}

import * as z from 'zod';

// A keys file may be untyped JavaScript. This schema checks only the types of members. Whether members are present and
// consistent is checked later, member by member, so everything is optional here.

const text = z.string().optional();
const texts = z.array(z.string()).optional();
const hook = z
  .custom<unknown>((value) => typeof value === 'function', { error: 'Must be a function.' })
  .optional();
const spec = z.looseObject({ type: z.unknown().optional(), raw: z.unknown().optional() });
const fieldMeta = z.object({
  description: z.string().exactOptional(),
  enum: z.array(z.json()).exactOptional(),
  format: z.string().exactOptional(),
});

const paramShape = z.looseObject({
  name: text,
  type: text,
  description: text,
  required: z.boolean().optional(),
  default: text,
  values: z.array(z.looseObject({ value: text, desc: text })).optional(),
  anyValue: z.boolean().optional(),
  subscriptionKey: z.boolean().optional(),
});

/** Types of a definition's members. */
export const keyShape = z.looseObject({
  key: text,
  displayName: text,
  description: text,
  eventType: text,
  params: z.array(paramShape).optional(),
  schema: z
    .looseObject({
      native: spec.optional(),
      custom: spec.optional(),
      fieldOverrides: z.record(z.string(), fieldMeta).optional(),
    })
    .optional(),
  scopes: texts,
  authTypes: texts,
  requiredConsoleEvents: texts,
  bufferSize: z.int().optional(),
  workers: z.int().optional(),
  singleConsumer: z.boolean().optional(),
  normalizeParams: hook,
  preConsume: hook,
  cleanup: hook,
  match: hook,
  process: hook,
});

/** A definition whose members have the right types but are not validated further. */
export type UncheckedKey = z.infer<typeof keyShape>;

/** A param of an {@link UncheckedKey}. */
export type UncheckedParam = z.infer<typeof paramShape>;

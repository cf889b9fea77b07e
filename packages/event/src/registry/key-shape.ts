import * as z from 'zod';

// Definitions come from files that no compiler has seen. This settles what type each member has; whether members are
// there and fit together is settled, member by member, by the checks. So everything is optional here.

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

/** What the members of a definition may be, each where it is present. */
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

/** A definition whose members have the right types and nothing more is known of. */
export type UncheckedKey = z.infer<typeof keyShape>;

/** A param of an {@link UncheckedKey}. */
export type UncheckedParam = z.infer<typeof paramShape>;

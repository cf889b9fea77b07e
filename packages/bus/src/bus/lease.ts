import { defined } from '@weir/base';
import * as z from 'zod';
import { json, jsonObject } from '../protocol/hello.js';
import type { ConsumerHello } from './consumer.js';

/** What is known of a subscription upstream, and needed to end it: it outlives the consumers and the bus. */
export const lease = z.object({
  subscription_id: z.string().min(1),
  event_key: z.string().min(1),
  /** The params after normalizeParams. */
  params: jsonObject,
  /** What preConsume left for cleanup. */
  state: json.exactOptional(),
  /** The name of the identity that hooks run with. */
  identity: z.string().exactOptional(),
  /** The file of keys, when it is not a shipped key. */
  keys_file: z.string().exactOptional(),
  /** preConsume was begun and has not answered. */
  pending: z.literal(true).exactOptional(),
  /** Why the last cleanup failed. */
  failed: z.string().exactOptional(),
});

/** What is known of a subscription upstream. */
export type Lease = z.infer<typeof lease>;

/** The lease of a consumer that is about to run preConsume. */
export function leaseOf({
  subscription_id,
  event_key,
  params = {},
  identity,
  keys_file,
}: ConsumerHello): Lease {
  return {
    subscription_id,
    event_key,
    params,
    ...defined({ identity, keys_file }),
    pending: true,
  };
}

import { defined } from '@weir/base';
import * as z from 'zod';
import { json, jsonObject } from '../protocol/hello.js';
import type { ConsumerHello } from './consumer.js';

/** Everything needed to end a subscription upstream. A lease outlives its consumers and the bus. */
export const lease = z.object({
  subscription_id: z.string().min(1),
  event_key: z.string().min(1),
  /** Params after normalizeParams. */
  params: jsonObject,
  /** The value that preConsume passes to cleanup. */
  state: json.exactOptional(),
  /** Name of the identity that hooks run with. */
  identity: z.string().exactOptional(),
  /** File that defines the key, unless the key ships with Weir. */
  keys_file: z.string().exactOptional(),
  /** preConsume has started and not reported its result. */
  pending: z.literal(true).exactOptional(),
  /** Error of the last failed cleanup. */
  failed: z.string().exactOptional(),
});

/** A persisted lease. */
export type Lease = z.infer<typeof lease>;

/** Creates the lease of a consumer that is about to run preConsume. */
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

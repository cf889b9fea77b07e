import type { ApiClient } from '../api-client.js';
import type { KeyDefinition } from '../key/key-definition.js';
import { subscriptionId } from '../key/subscription-id.js';
import { parseParams } from '../params/parse-params.js';
import { Registry } from '../registry/registry.js';
import { RecordingApi } from './recording-api.js';

/**
 * Checks that params still map to the same subscription ids, because running buses and lease files contain these ids.
 * Write the ids down once, from the error of a first run, and never change them.
 *
 * ```ts
 * await checkSubscriptionIds(key, [[['project=p_1'], 'weir.event:paFa8rsS9053xhuF']]);
 * ```
 *
 * @param golden params as after `-p`, and the expected id.
 * @param api for a key whose `normalizeParams` calls one.
 * @throws Error with all ids that have changed.
 */
export async function checkSubscriptionIds(
  definition: KeyDefinition,
  golden: readonly (readonly [args: readonly string[], id: string])[],
  api: ApiClient = new RecordingApi(),
): Promise<void> {
  const [key] = new Registry([definition]).listAll();
  if (key === undefined) return;
  const others: string[] = [];
  for (const [args, expected] of golden) {
    const given = parseParams(key.params, args);
    const id = subscriptionId(key, (await key.normalizeParams?.(api, given)) ?? given);
    if (id !== expected) others.push(`${JSON.stringify(args)} is ${id}, not ${expected}`);
  }
  if (others.length > 0)
    throw new Error(`Subscriptions of \`${key.key}\` have changed: ${others.join('; ')}.`);
}

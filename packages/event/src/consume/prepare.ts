import type { ApiClient } from '../api-client.js';
import { ConsumeError } from '../consume-error.js';
import type { AuthType } from '../key/key-definition.js';
import type { RegisteredKey } from '../key/registered-key.js';
import { subscriptionId } from '../key/subscription-id.js';
import type { Params } from '../params/params.js';
import { ParamsError } from '../params/params-error.js';
import { JqExpression } from './jq.js';

/** What to consume. */
export interface ConsumeRequest {
  readonly key: RegisteredKey;
  /** Parsed by the key's param definitions. */
  readonly params: Params;
  /** API client of the hooks. */
  readonly api: ApiClient;
  /** Identity of `api`. */
  readonly identity: AuthType;
  /** jq expression applied to each line. */
  readonly jq?: string;
  /** True without a bus; keys whose consumers must coordinate are then refused. Default false. */
  readonly isAlone?: boolean;
}

/** A validated request. */
export interface PreparedConsume {
  readonly key: RegisteredKey;
  /** In canonical form. */
  readonly params: Params;
  readonly subscriptionId: string;
  readonly api: ApiClient;
  readonly jq: JqExpression | undefined;
}

/**
 * Runs every check that can fail before the consumer starts: identity, `normalizeParams`, jq. The caller closes `jq`,
 * or passes it to `consume`, which does.
 *
 * @throws ConsumeError or ParamsError; any other error of `normalizeParams` becomes a ConsumeError `failed`.
 */
export async function prepareConsume(request: ConsumeRequest): Promise<PreparedConsume> {
  const { key, api, identity } = request;
  if (request.isAlone === true) refuseWhatNeedsBus(key);
  if (key.authTypes.length > 0 && !key.authTypes.includes(identity)) {
    throw new ConsumeError(
      'auth',
      'wrong_identity',
      `\`${key.key}\` cannot be consumed as ${identity}: it needs ${key.authTypes.join(' or ')}.`,
      { hint: 'Use a credential of that kind.' },
    );
  }
  const jq = request.jq === undefined ? undefined : await JqExpression.compile(request.jq);
  try {
    const params = await normalized(key, api, request.params);
    return { key, params, subscriptionId: subscriptionId(key, params), api, jq };
  } catch (error) {
    await jq?.close();
    throw error;
  }
}

// Without a bus, a consumer can detect neither other consumers of the subscription nor which of them is the last.
function refuseWhatNeedsBus(key: RegisteredKey): void {
  const needs = (['preConsume', 'cleanup', 'singleConsumer'] as const).find((name) =>
    name === 'singleConsumer' ? key.singleConsumer : key[name] !== undefined,
  );
  if (needs === undefined) return;
  throw new ConsumeError(
    'usage',
    'needs_bus',
    `\`${key.key}\` has \`${needs}\`, which requires the bus to coordinate consumers. Standard input and --until have no bus.`,
    { hint: 'Give a file instead of standard input, and leave --until out.' },
  );
}

async function normalized(key: RegisteredKey, api: ApiClient, params: Params): Promise<Params> {
  if (key.normalizeParams === undefined) return params;
  try {
    return await key.normalizeParams(api, params);
  } catch (cause) {
    if (cause instanceof ParamsError || cause instanceof ConsumeError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConsumeError(
      'failed',
      'normalize_params',
      `\`${key.key}\` could not normalize its params: ${reason}`,
      { hint: 'Check the values after -p.', cause },
    );
  }
}

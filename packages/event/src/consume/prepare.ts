import type { ApiClient } from '../api-client.js';
import { ConsumeError } from '../consume-error.js';
import type { AuthType } from '../key/key-definition.js';
import type { RegisteredKey } from '../key/registered-key.js';
import { subscriptionId } from '../key/subscription-id.js';
import type { Params } from '../params/params.js';
import { ParamsError } from '../params/params-error.js';
import { JqExpression } from './jq.js';

/** What is to be consumed. */
export interface ConsumeRequest {
  readonly key: RegisteredKey;
  /** Read by the key's definitions. */
  readonly params: Params;
  /** What hooks call the upstream by. */
  readonly api: ApiClient;
  /** Whose identity `api` has. */
  readonly identity: AuthType;
  /** jq expression that makes lines of a line. */
  readonly jq?: string;
  /** Whether there is no bus: keys whose consumers must agree on something are refused then. Default false. */
  readonly isAlone?: boolean;
}

/** A request that was found possible. */
export interface PreparedConsume {
  readonly key: RegisteredKey;
  /** In their canonical form. */
  readonly params: Params;
  readonly subscriptionId: string;
  readonly api: ApiClient;
  readonly jq: JqExpression | undefined;
}

/**
 * Does everything that can fail before anything is started: the identity, `normalizeParams`, jq. Who prepares closes
 * `jq`, or leaves that to `consume`.
 *
 * @throws ConsumeError or ParamsError; what `normalizeParams` throws otherwise, as a ConsumeError `failed`.
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

// One consumer alone can neither see that another uses the same subscription, nor who of them is the last.
function refuseWhatNeedsBus(key: RegisteredKey): void {
  const needs = (['preConsume', 'cleanup', 'singleConsumer'] as const).find((name) =>
    name === 'singleConsumer' ? key.singleConsumer : key[name] !== undefined,
  );
  if (needs === undefined) return;
  throw new ConsumeError(
    'usage',
    'needs_bus',
    `\`${key.key}\` has \`${needs}\`, which consumers must agree on through the bus. Standard input and --until have no bus.`,
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
      `\`${key.key}\` could not make sense of its params: ${reason}`,
      { hint: 'Check what stands after -p.', cause },
    );
  }
}

import { defined } from '@weir/base';
import type { ApiClient as HookApi, JsonValue } from '@weir/event';
import { ConsumeError } from '@weir/event/consume';
import type { ApiClient } from '../api/client.js';
import { CliError } from '../cli-error.js';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/**
 * The server's API for hooks, with the command's identity, which hooks can neither read nor change. Failures are
 * ConsumeErrors of the matching kind, so that a hook that does not catch them ends the consumer with the right exit
 * code.
 */
export function hookApi(api: ApiClient): HookApi {
  return {
    async callApi(method: string, path: string, body?: JsonValue): Promise<JsonValue> {
      const known = METHODS.find((one) => one === method.toUpperCase());
      if (known === undefined) throw wrongCall(`A hook calls ${method}.`, `Use ${METHODS.join(', ')}.`);
      // A path that does not start with exactly one slash could send the credential to another host.
      if (!/^\/(?!\/)/.test(path)) throw wrongCall(`A hook calls ${path}.`, 'Begin the path with one slash.');
      try {
        const response = await api.response({ method: known, path, ...defined({ body }) });
        const text = await response.text();
        // JSON.parse returns exactly the type JsonValue.
        return text === '' ? null : (JSON.parse(text) as JsonValue);
      } catch (error) {
        throw ofItsKind(error, path);
      }
    },
  };
}

function wrongCall(message: string, hint: string): ConsumeError {
  return new ConsumeError('usage', 'invalid_call', message, { hint });
}

function ofItsKind(cause: unknown, path: string): ConsumeError {
  if (cause instanceof SyntaxError) {
    return new ConsumeError('failed', 'unexpected_answer', `${path} answers no JSON.`, { cause });
  }
  const { kind, code, message, hint } = CliError.from(cause);
  return new ConsumeError(kind === 'pending' ? 'failed' : kind, code, message, { hint, cause });
}

import type { JsonValue } from './json.js';

/**
 * The upstream's API for hooks. The caller fixes the identity before a hook runs; hooks can neither read nor change it,
 * so they cannot bypass the checks of scopes and identity.
 */
export interface ApiClient {
  /**
   * Sends `body`, if any, as JSON and returns the JSON of the response.
   *
   * @throws if the API is unreachable or refuses; the error ends `consume` with the matching code.
   */
  callApi(method: string, path: string, body?: JsonValue): Promise<JsonValue>;
}

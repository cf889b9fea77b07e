import type { JsonValue } from './json.js';

/**
 * How a hook calls the upstream's API. Whose identity it uses was settled before the hook ran and cannot be seen or
 * changed from here, so that no hook gets round the checks of scopes and identity.
 */
export interface ApiClient {
  /**
   * Sends `body`, if any, as JSON and answers with the response's JSON.
   *
   * @throws when the API cannot be reached or refuses; the error ends `consume` with a code of its kind.
   */
  callApi(method: string, path: string, body?: JsonValue): Promise<JsonValue>;
}

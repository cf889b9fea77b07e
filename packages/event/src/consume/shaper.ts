import type { ApiClient } from '../api-client.js';
import type { RegisteredKey } from '../key/registered-key.js';
import type { Params } from '../params/params.js';
import { payloadText, type RawEvent } from '../raw-event.js';
import { envelopeText } from '../schema/envelope.js';
import type { StreamedEvent } from '../source/event-stream.js';
import type { JqExpression } from './jq.js';

/** The output of one event: its lines (none if it was dropped), or the failure. */
export interface Shaped {
  readonly item: StreamedEvent;
  readonly lines: readonly string[];
  readonly failure?: string;
}

/** Converts events for the sink: the key's `match` and `process`, then jq. */
export class Shaper {
  readonly #key: RegisteredKey;
  readonly #params: Params;
  readonly #api: ApiClient;
  readonly #jq: JqExpression | undefined;

  constructor(key: RegisteredKey, params: Params, api: ApiClient, jq: JqExpression | undefined) {
    this.#key = key;
    this.#params = params;
    this.#api = api;
    this.#jq = jq;
  }

  /**
   * Converts events, in order.
   *
   * @throws the signal's reason if it aborts while jq runs.
   */
  async shape(items: readonly StreamedEvent[], hurry: AbortSignal): Promise<readonly Shaped[]> {
    const shaped: Shaped[] = [];
    for (const item of items) shaped.push(await this.#byHooks(item));
    return this.#jq === undefined ? shaped : await this.#byJq(this.#jq, shaped, hurry);
  }

  async #byHooks(item: StreamedEvent): Promise<Shaped> {
    const { event } = item;
    try {
      if (this.#key.match?.(event, this.#params) === false) return { item, lines: [] };
      const line = await this.#lineOf(event);
      return { item, lines: line === undefined ? [] : [line] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { item, lines: [], failure: `a hook of the key failed: ${reason}` };
    }
  }

  async #lineOf(event: RawEvent): Promise<string | undefined> {
    if (this.#key.process !== undefined) {
      const output = await this.#key.process(this.#api, event, this.#params);
      // A hook without types may return undefined instead of null.
      return output === null || output === undefined ? undefined : JSON.stringify(output);
    }
    const text = this.#key.schema.native === undefined ? payloadText(event) : envelopeText(event);
    // In JSON text, raw line breaks occur only between tokens.
    return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
  }

  async #byJq(jq: JqExpression, shaped: readonly Shaped[], hurry: AbortSignal): Promise<readonly Shaped[]> {
    const inputs = shaped.flatMap(({ lines }) => lines);
    if (inputs.length === 0) return shaped;
    const results = (await jq.run(inputs, hurry)).values();
    return shaped.map((one) => {
      if (one.lines.length === 0) return one;
      const result = results.next().value;
      if (result?.lines !== undefined) return { ...one, lines: result.lines };
      return { ...one, lines: [], failure: `jq failed: ${result?.error ?? 'it returned no result'}` };
    });
  }
}

import { defined } from '@weir/base';
import type { ApiClient } from '../api-client.js';
import { consume } from '../consume/consume.js';
import type { EventOutput, EventSink } from '../consume/event-sink.js';
import { type PreparedConsume, prepareConsume } from '../consume/prepare.js';
import { Stop } from '../consume/stop.js';
import { isJsonObject, type JsonValue } from '../json.js';
import type { AuthType, KeyDefinition } from '../key/key-definition.js';
import { ANY_EVENT } from '../keys/weir-event.js';
import { parseParams } from '../params/parse-params.js';
import type { RawEvent } from '../raw-event.js';
import { Registry } from '../registry/registry.js';
import { feedEvent } from '../source/feed-event.js';
import { RecordingApi } from './recording-api.js';
import { sampleEvent } from './sample-event.js';
import { ScriptedStream } from './scripted-stream.js';

/** Options of {@link runKey}. */
export interface KeyRunOptions {
  /** Params as after `-p`; default none. */
  readonly params?: readonly string[];
  /** The input in order: whole events, or payloads of events of the key's type. */
  readonly events: readonly (RawEvent | JsonValue)[];
  /** API of the hooks; default one that answers nothing. */
  readonly api?: ApiClient;
  /** Identity of `api`; default the first that the key allows. */
  readonly identity?: AuthType;
  /** jq expression. */
  readonly jq?: string;
}

/** Result of {@link runKey}. */
export interface KeyRun {
  /** Lines of standard output. */
  readonly lines: readonly string[];
  /** The same lines, parsed. */
  readonly values: readonly JsonValue[];
  /** Events without output. */
  readonly dropped: number;
  /** Events on which a hook or jq failed. */
  readonly failed: number;
  /** Warnings of standard error, without `[event] WARN: `. */
  readonly warnings: readonly string[];
  /** Subscription id of the params. */
  readonly subscriptionId: string;
}

/**
 * Runs a key on events like `weir event consume`, without a server or a bus: params, `normalizeParams`, `preConsume`,
 * then `match`, `process` and jq for each event, and `cleanup`.
 *
 * ```ts
 * const { values, dropped } = await runKey(orders, { params: ['min=10'], events: [{ total: 5 }, { total: 50 }] });
 * ```
 *
 * @throws RegistryError, ParamsError or ConsumeError if the key cannot run; errors of `preConsume` and `cleanup`.
 */
export async function runKey(definition: KeyDefinition, options: KeyRunOptions): Promise<KeyRun> {
  const [key] = new Registry([definition]).listAll();
  if (key === undefined) throw new Error('a registry of one key has none');
  const { api = new RecordingApi(), identity = key.authTypes[0] ?? 'bot', jq } = options;
  const prepared = await prepareConsume({
    key,
    params: parseParams(key.params, options.params ?? []),
    api,
    identity,
    ...defined({ jq }),
  });
  const { params } = prepared;
  const stream = new ScriptedStream();
  for (const [i, event] of options.events.entries())
    stream.push(eventOf(event, key.eventType, `event-${i + 1}`));
  stream.finish();
  const { state } = (await key.preConsume?.(api, params)) ?? {};
  try {
    return await outcomeOf(prepared, stream, options.events.length);
  } finally {
    // Cleanup may run in another process, so pass the state through JSON, as the lease file does.
    await key.cleanup?.(api, params, state === undefined ? undefined : JSON.parse(JSON.stringify(state)));
  }
}

async function outcomeOf(prepared: PreparedConsume, stream: ScriptedStream, events: number): Promise<KeyRun> {
  const sink = new ListSink();
  const warnings: string[] = [];
  const report = (line: string) => {
    const [, warning] = /^\[event\] WARN: (.*)$/s.exec(line) ?? [];
    if (warning !== undefined) warnings.push(warning);
  };
  const { error, received, failed } = await consume(prepared, { stream, sink, stop: new Stop(), report });
  if (error !== undefined) throw error;
  return {
    lines: sink.lines,
    values: sink.lines.map((line) => JSON.parse(line)),
    dropped: events - received - failed,
    failed,
    warnings,
    subscriptionId: prepared.subscriptionId,
  };
}

class ListSink implements EventSink {
  readonly lines: string[] = [];

  async write({ lines }: EventOutput): Promise<void> {
    this.lines.push(...lines);
  }
}

function eventOf(given: RawEvent | JsonValue, event_type: string, event_id: string): RawEvent {
  if (isRawEvent(given)) return given;
  if (event_type !== ANY_EVENT) return sampleEvent(given, { event_id, event_type });
  // As in the feed: the document contains the name and the id.
  const { timestamp } = sampleEvent(null);
  return feedEvent(JSON.stringify(isJsonObject(given) ? { event_id, ...given } : given), timestamp);
}

function isRawEvent(given: RawEvent | JsonValue): given is RawEvent {
  const members = ['event_id', 'event_type', 'timestamp', 'payload'];
  return typeof given === 'object' && given !== null && members.every((member) => member in given);
}

import { Backoff, defined, pause } from '@weir/base';
import { Connection, WeirError } from '@weir/client/http';
import * as z from 'zod';
import { ConsumeError } from '../consume-error.js';
import { feedEvent } from './feed-event.js';
import { feedFailure } from './feed-failure.js';
import type { GroupDelivery, GroupMember } from './source.js';
import { SourceInterrupted } from './source-errors.js';

/** Options of a {@link FeedGroup}. */
export interface FeedGroupOptions {
  /** The server's URL without a trailing slash. */
  readonly server: string;
  /** Project id. */
  readonly project: string;
  /** API key of the project with the scope `feed`; sent only to this server. */
  readonly key: string;
  /** 1 to 64 letters, digits, `.`, `_` and `-`. */
  readonly group: string;
  /** Start position of a new group: `latest`, `earliest`, a cursor, or a time in RFC 3339. */
  readonly from: string;
  /** Event names; default all. */
  readonly names?: readonly string[];
  /** What the members do with events; it must be equal for all. Default: any task. */
  readonly task?: string;
  /** Default `events`. */
  readonly stream?: string;
  /** Name of this member. A member may hold 1,000 unacknowledged events. */
  readonly member: string;
}

/** Lease duration if the server does not report one. */
const DEFAULT_LEASE_MS = 30_000;
/** How long a pull waits for the first event. */
const WAIT_MS = 20_000;
/** Silence, in addition to the wait of a call, after which the server is treated as dead. */
const SILENCE_MS = 15_000;
// How long to retry a server that never answers, and one that answers but is not ready.
const UNANSWERED_MS = 5_000;
const UNREADY_MS = 60_000;

/** A member of a durable group of the server's feed. */
export class FeedGroup implements GroupMember {
  leaseMs = DEFAULT_LEASE_MS;
  readonly #options: FeedGroupOptions;
  readonly #connection: Connection;
  readonly #path: string;

  constructor(options: FeedGroupOptions) {
    const { server, key, project, group } = options;
    this.#options = options;
    this.#connection = new Connection({ url: server, credential: key });
    this.#path = `/api/v1/projects/${encodeURIComponent(project)}/feed/groups/${encodeURIComponent(group)}`;
  }

  get name(): string {
    return this.#options.member;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { from, names, task, stream = 'events' } = this.#options;
    const body = {
      // Send `from` and `event` only if the caller chose them: an existing group may have been created with other values.
      ...(from === 'latest' ? {} : { from }),
      ...(names === undefined || names.length === 0 ? {} : { event: names }),
      ...defined({ task }),
      stream,
    };
    const backoff = new Backoff({ firstMs: 250, longestMs: 5_000 });
    const begun = performance.now();
    for (;;) {
      try {
        await this.#call('PUT', '', body, signal);
        return;
      } catch (error) {
        if (!(error instanceof SourceInterrupted)) throw error;
        const waitMs = Math.max(backoff.next(), error.waitMs);
        const patience = error.isAnswered ? UNREADY_MS : UNANSWERED_MS;
        if (performance.now() + waitMs - begun > patience) throw this.#unreachable(error);
        await pause(waitMs, signal);
        signal.throwIfAborted();
      }
    }
  }

  async pull(
    max: number,
    signal: AbortSignal,
    holding: readonly string[],
  ): Promise<readonly GroupDelivery[]> {
    const { member, stream } = this.#options;
    const body = { max, wait_ms: WAIT_MS, member, holding };
    const text = await this.#call('POST', '/pull', body, signal, WAIT_MS);
    const seenAt = new Date().toISOString();
    const { deliveries, lease_ms: leaseMs } = pulled.parse(JSON.parse(text));
    if (leaseMs !== undefined) this.leaseMs = leaseMs;
    const texts = eventTexts(text);
    return deliveries.map(({ id, cursor, attempt }, i) => ({
      id,
      cursor,
      attempt,
      event: feedEvent(texts[i] ?? '', seenAt, stream),
    }));
  }

  async ack(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#call('POST', '/ack', { ids });
  }

  async nack(ids: readonly string[], delayMs = 0): Promise<void> {
    if (ids.length > 0) await this.#call('POST', '/nack', { ids, delay_ms: Math.ceil(delayMs) });
  }

  async release(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#call('POST', '/release', { ids });
  }

  async extend(ids: readonly string[], from?: string): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    const body = { ids, member: this.name, ...defined({ from }) };
    return extended.parse(JSON.parse(await this.#call('POST', '/extend', body))).lost;
  }

  /** Returns the body of a successful response. */
  async #call(
    method: 'PUT' | 'POST',
    path: string,
    body: object,
    signal?: AbortSignal,
    waitMs = 0,
  ): Promise<string> {
    try {
      return await this.#connection.text({
        method,
        path: this.#path + path,
        body,
        timeoutMs: waitMs + SILENCE_MS,
        // The reader of the group retries by itself.
        patienceMs: 0,
        signal,
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof WeirError ? failureOf(error) : error;
    }
  }

  #unreachable(cause: SourceInterrupted): ConsumeError {
    const { server } = this.#options;
    return new ConsumeError('network', 'unreachable', `no feed from ${server}: ${cause.message}`, {
      hint: 'Start it with "weir serve", or select another with --server or WEIR_SERVER.',
      cause,
    });
  }
}

const extended = z.object({ lost: z.array(z.string()) });

const pulled = z.object({
  lease_ms: z.number().positive().optional(),
  deliveries: z.array(z.object({ id: z.string(), cursor: z.string(), attempt: z.number() })),
});

/** Converts an error of a group request into an error of the source. */
function failureOf(error: WeirError): Error {
  const { code, message, hint } = error;
  if (code === 'group_not_found') {
    return new ConsumeError('failed', code, message, {
      hint: 'The group was deleted. Start the consumer again to recreate it.',
    });
  }
  if (code === 'group_exists') return new ConsumeError('usage', code, message, { param: 'group', hint });
  return feedFailure(error);
}

/** Nesting depth of a delivery's values in the response: {, [, {. */
const DELIVERY_DEPTH = 3;

/** The JSON texts of the events. They are cut out of the response because `JSON.parse` would round large integers. */
function eventTexts(text: string): string[] {
  const texts: string[] = [];
  let depth = 0;
  let start = -1;
  let before = '';
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') {
      if (depth === DELIVERY_DEPTH && before === '"event"') start = index;
      depth += 1;
    } else if (token === '}' || token === ']') {
      depth -= 1;
      if (depth === DELIVERY_DEPTH && start !== -1) {
        texts.push(text.slice(start, index + 1));
        start = -1;
      }
    }
    before = token;
  }
  return texts;
}

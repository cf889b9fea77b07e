import { resolve } from 'node:path';
import { defined } from '@weir/base';
import { ConsumeError } from '../consume-error.js';
import type { Params } from '../params/params.js';
import { CHANNEL_MESSAGE } from '../source/channel-event.js';
import { STREAM_TYPES } from '../source/feed-event.js';
import { FILE_LINE } from '../source/line-event.js';
import { NATS_MESSAGE } from '../source/nats-event.js';
import type { SourceSpec } from '../source/source-spec.js';
import { WEBHOOK_REQUEST } from '../source/webhook-event.js';
import { feedNames } from './feed-names.js';

/** The server and project that a consumer is connected to. */
export interface FeedPlace {
  /** URL without a trailing slash. */
  readonly server: string;
  /** Project id. */
  readonly project: string;
}

/**
 * The source of a key's events, selected by event type: `weir.channel.message` is a channel; `nats.message`,
 * `webhook.request` and `file.line` are local sources, configured by the params of the keys with these names; every
 * other type is the feed. Returns `stdin` for `file.line` with the path `-`.
 *
 * @param params after `normalizeParams`.
 * @throws ConsumeError `usage` if a param that the source needs is missing.
 */
export function sourceOf(
  key: { readonly key: string; readonly eventType: string },
  params: Params,
  place: FeedPlace,
): SourceSpec | 'stdin' {
  switch (key.eventType) {
    case CHANNEL_MESSAGE:
      return {
        kind: 'channel',
        server: place.server,
        process: needed(key.key, params, 'process').toLowerCase(),
        name: needed(key.key, params, 'channel'),
      };
    case NATS_MESSAGE:
      return { kind: 'nats', servers: serversOf(params), subject: needed(key.key, params, 'subject') };
    case WEBHOOK_REQUEST: {
      const { host, port } = params;
      return {
        kind: 'webhook',
        host: typeof host === 'string' && host !== '' ? host : '127.0.0.1',
        port: portOf(port ?? 8787),
        path: requestPath(needed(key.key, params, 'path')),
      };
    }
    case FILE_LINE: {
      const path = needed(key.key, params, 'path');
      return path === '-' ? 'stdin' : { kind: 'file', path: resolve(path) };
    }
    default:
      return feedOf(key, params, place);
  }
}

function feedOf(
  key: { readonly eventType: string },
  params: Params,
  { server, project }: FeedPlace,
): SourceSpec {
  const [stream] = Object.entries(STREAM_TYPES).find(([, type]) => type === key.eventType) ?? [];
  // Every other stream has a single document type, so it needs no name filter.
  const names = stream === undefined ? feedNames(key, params) : undefined;
  return {
    kind: 'feed',
    server,
    project,
    stream: stream ?? 'events',
    ...defined({ names }),
  };
}

function serversOf({ servers }: Params): readonly string[] {
  const given = typeof servers === 'string' ? [servers] : servers;
  return typeof given === 'object' && given.length > 0 ? given : ['nats://127.0.0.1:4222'];
}

function portOf(port: Params[string]): number {
  if (typeof port === 'number' && port >= 1 && port <= 65_535) return port;
  throw new ConsumeError('usage', 'invalid_port', `${JSON.stringify(port)} is not a port.`, {
    param: 'port',
    hint: 'Give a number from 1 to 65535: -p port=8787.',
  });
}

function needed(key: string, params: Params, name: string): string {
  const value = params[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new ConsumeError('usage', 'missing_param', `\`${key}\` needs the param \`${name}\`.`, {
    param: name,
    hint: `Give -p ${name}=VALUE; a key of your own needs a string param of that name.`,
  });
}

/** Normalizes a path as in requests: with a leading slash, encoded, without a query. */
export function requestPath(path: string): string {
  return new URL(`http://webhook${path.startsWith('/') ? '' : '/'}${path}`).pathname;
}

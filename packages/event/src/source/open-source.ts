import { ChannelSource } from './channel-source.js';
import { FeedSource } from './feed-source.js';
import { FileSource } from './file.js';
import { NatsSource } from './nats.js';
import type { Source } from './source.js';
import type { SourceSpec } from './source-spec.js';
import { WebhookSource } from './webhook.js';

/** Overrides of source limits. Milliseconds. */
export interface SourceLimits {
  /** How long a webhook's sender waits for its response; default 5 s. */
  readonly webhookWaitMs?: number;
}

/**
 * Creates the source of a spec. It connects only when a stream is followed.
 *
 * @param credential API key for the feed and channels; other sources do not get it.
 */
export function openSource(
  spec: SourceSpec,
  credential: string | undefined,
  { webhookWaitMs }: SourceLimits = {},
): Source {
  switch (spec.kind) {
    case 'feed': {
      const { server, project, stream } = spec;
      // Without a key, let the server report the missing credential.
      return new FeedSource({ server, project, stream, key: credential ?? '' });
    }
    case 'channel':
      return new ChannelSource(spec, credential ?? '');
    case 'nats':
      return new NatsSource(spec);
    case 'webhook':
      return new WebhookSource(webhookWaitMs === undefined ? spec : { ...spec, waitMs: webhookWaitMs });
    case 'file':
      return new FileSource(spec.path);
  }
}

import { ChannelSource } from './channel-source.js';
import { FeedSource } from './feed-source.js';
import { FileSource } from './file.js';
import { NatsSource } from './nats.js';
import type { Source } from './source.js';
import type { SourceSpec } from './source-spec.js';
import { WebhookSource } from './webhook.js';

/** What bounds sources, where it is not as by default. Milliseconds. */
export interface SourceLimits {
  /** How long a webhook's sender waits for its answer; default 5 s. */
  readonly webhookWaitMs?: number;
}

/**
 * The source that a spec speaks of. Nothing is opened before a stream of it is followed.
 *
 * @param credential API key for the feed and channels; no other source is given it.
 */
export function openSource(
  spec: SourceSpec,
  credential: string | undefined,
  { webhookWaitMs }: SourceLimits = {},
): Source {
  switch (spec.kind) {
    case 'feed': {
      const { server, project, stream } = spec;
      // Without a key the server says what is missing.
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

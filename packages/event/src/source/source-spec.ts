import * as z from 'zod';

/** A stream of a project's feed. */
const feed = z.object({
  kind: z.literal('feed'),
  /** The server's URL without a trailing slash. */
  server: z.string().min(1),
  /** Project id. */
  project: z.string().min(1),
  stream: z.string().min(1),
  /** Only events of these names; absent for all. */
  names: z.array(z.string()).readonly().exactOptional(),
});

/** The messages of one channel of a process. */
const channel = z.object({
  kind: z.literal('channel'),
  /** The server's URL without a trailing slash. */
  server: z.string().min(1),
  /** Process id. */
  process: z.string().min(1),
  /** Channel name. */
  name: z.string().min(1),
});

/** A NATS subject; NATS wildcards are allowed. */
const nats = z.object({
  kind: z.literal('nats'),
  servers: z.array(z.string().min(1)).min(1).readonly(),
  subject: z.string().min(1),
});

/** HTTP requests to a path on this machine. */
const webhook = z.object({
  kind: z.literal('webhook'),
  host: z.string().min(1),
  port: z.int().min(0).max(65_535),
  /** Starts with a slash. */
  path: z.string().min(1),
});

/** Lines appended to a file. */
const file = z.object({
  kind: z.literal('file'),
  /** Absolute. */
  path: z.string().min(1),
});

/** The source of a consumer's events. Consumers whose specs differ only in `names` share one connection. */
export const sourceSpec = z.discriminatedUnion('kind', [feed, channel, nats, webhook, file]);

/** The source of a consumer's events. */
export type SourceSpec = z.infer<typeof sourceSpec>;

import * as z from 'zod';

/** A stream of a project's feed. */
const feed = z.object({
  kind: z.literal('feed'),
  /** The server's URL without a slash at its end. */
  server: z.string().min(1),
  /** Id of the project. */
  project: z.string().min(1),
  stream: z.string().min(1),
  /** Only events of these names; absent for all. */
  names: z.array(z.string()).readonly().exactOptional(),
});

/** Messages of one channel of a process. */
const channel = z.object({
  kind: z.literal('channel'),
  /** The server's URL without a slash at its end. */
  server: z.string().min(1),
  /** Id of the process. */
  process: z.string().min(1),
  /** Of the channel. */
  name: z.string().min(1),
});

/** A subject of NATS, with wildcards as NATS has them. */
const nats = z.object({
  kind: z.literal('nats'),
  servers: z.array(z.string().min(1)).min(1).readonly(),
  subject: z.string().min(1),
});

/** Requests to a path of this machine. */
const webhook = z.object({
  kind: z.literal('webhook'),
  host: z.string().min(1),
  port: z.int().min(0).max(65_535),
  /** Begins with a slash. */
  path: z.string().min(1),
});

/** Lines of a file as it grows. */
const file = z.object({
  kind: z.literal('file'),
  /** Absolute. */
  path: z.string().min(1),
});

/** What a consumer's events come from. Consumers whose specs differ in nothing but `names` share one connection. */
export const sourceSpec = z.discriminatedUnion('kind', [feed, channel, nats, webhook, file]);

/** What a consumer's events come from. */
export type SourceSpec = z.infer<typeof sourceSpec>;

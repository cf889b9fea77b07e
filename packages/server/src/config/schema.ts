/**
 * Every setting of the server: the only source of its type, default, rule and description. `weir config`, the flags of
 * `weir serve` and the table in docs/self-host.md are generated from it.
 */
import { z } from 'zod';
import { areAddresses } from '../http/remote-address.js';
import { duration, flag, names, rate, rateOrOff, retention, size, wait, whole } from './units.js';

const hex64 = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}[0-9a-f]{64}$`), `must be ${prefix} and 64 hexadecimal digits`);
/** An origin as browsers send it: scheme, host and port; browser extensions have their own schemes. */
function areOrigins(list: string): boolean {
  return list.split(',').every((one) => /^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^/\s;]+)$/i.test(one.trim()));
}

function areHosts(list: string): boolean {
  return list
    .split(',')
    .every((one) => one.trim() === '' || /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(one.trim()));
}

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

const KIB = 1024;

/** Marks a secret: it is redacted when settings are printed, and may come from a `_FILE`. */
const secret = { secret: true } as const;

export const configSchema = z.object({
  WEIR_PORT: whole(0, 65_535).prefault('8080').describe('Port to listen on; 0 takes a free one'),
  WEIR_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  WEIR_PUBLIC_URL: httpUrl
    .optional()
    .describe('URL under which clients reach this server; default from host and port'),
  WEIR_DATA_DIR: z.string().min(1).default('./.weir').describe('Directory of all embedded state'),
  WEIR_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe log line that is written'),
  WEIR_METRICS_TOKEN: z
    .string()
    .min(16, 'must be at least 16 characters')
    .optional()
    .meta(secret)
    .describe('Bearer token for /metrics; without it only loopback addresses may read them'),
  WEIR_TRUST_PROXY: z
    .string()
    .default('')
    .refine(areAddresses, 'must be addresses or CIDR ranges, comma separated, such as 10.0.0.0/8')
    .describe('Addresses or CIDR ranges, comma separated, whose X-Forwarded-For is believed'),
  WEIR_ALLOWED_ORIGINS: z
    .string()
    .min(1)
    .default('*')
    .refine(areOrigins, 'must be origins, comma separated, such as https://app.example.com, or *')
    .describe(
      'Origins, comma separated, whose pages may send events; * for all. Pages of origins that are named may also query',
    ),

  WEIR_ALLOWED_HOSTS: z
    .string()
    .default('')
    .refine(areHosts, 'must be host names, comma separated, with a port or without, such as weir.example.com')
    .describe(
      'Host names, comma separated, that a server on a loopback address answers to, beside localhost and WEIR_PUBLIC_URL',
    ),

  WEIR_MAX_CONNECTIONS_PER_ADDRESS: whole(1)
    .prefault('1000')
    .describe(
      'Connections of one address (IPv6: of a /64); a proxy on a private address may have any number',
    ),
  WEIR_MAX_BODIES_PER_ADDRESS: whole(1)
    .prefault('200')
    .describe('Unfinished request bodies of one address; the same exception'),
  WEIR_BODY_MEMORY: size
    .refine((bytes) => bytes >= 32 * KIB * KIB, 'must be at least 32MiB')
    .prefault('128MiB')
    .describe(
      'Memory of all request bodies while they arrive and are decoded; one project may have half of it',
    ),

  WEIR_CLICKHOUSE_URL: httpUrl
    .optional()
    .meta(secret)
    .describe('ClickHouse server, with user and password in the URL; without it the embedded engine runs'),
  WEIR_CLICKHOUSE_READER_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .meta(secret)
    .describe('Password of the ClickHouse user `weir_reader`, as which queries of projects run on a server'),
  WEIR_POSTGRES_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .meta(secret)
    .describe('PostgreSQL server; without it the embedded one runs'),

  WEIR_LOG_ENGINE: z
    .enum(['lmdb', 'memory'])
    .default('lmdb')
    .describe('Durable log: lmdb on disk, or memory (fast, lost in a crash)'),
  WEIR_LOG_MAX_BYTES: size
    .prefault('10GiB')
    .describe(
      'Largest size of the log; at it ingest answers 503 log_full, and before, 503 project_quota to a project with a quarter of it',
    ),

  WEIR_INGEST_EVENT_BUFFER: whole(1)
    .prefault('50000')
    .describe('Events accepted and not yet flushed; beyond it 503 ingest_full'),
  WEIR_INGEST_EVENT_BUFFER_BYTES: size.prefault('256MiB').describe('The same in bytes'),
  WEIR_INGEST_FLUSH_EVENTS: whole(1).prefault('5000').describe('Events that start a flush'),
  WEIR_INGEST_FLUSH_BYTES: size
    .prefault('16MiB')
    .describe('Bytes that start a flush, and the most one insert sends'),
  WEIR_INGEST_FLUSH_INTERVAL: wait
    .prefault('1s')
    .describe('Longest wait of an event for its flush; pause of the dead-letter drainer'),
  WEIR_INGEST_RETRY_IN_PLACE: wait
    .prefault('10s')
    .describe('How long of an outage batches are retried before they become dead letters'),
  WEIR_INGEST_SHUTDOWN_GRACE: wait.prefault('10s').describe('How long shutdown waits for the flusher'),
  WEIR_INGEST_MAX_BODY_BYTES: size
    .prefault('10MiB')
    .describe('Largest request body, on the wire and decompressed'),
  WEIR_INGEST_DLQ_DRAIN_BATCH_LIMIT: whole(1, 1_000)
    .prefault('10')
    .describe('Dead letters one claim of the drainer takes'),
  WEIR_INGEST_ACK: z
    .enum(['durable', 'memory'])
    .default('durable')
    .describe('When 202 is answered: once events are on disk, or at once (they may be lost in a crash)'),
  WEIR_INGEST_ON_FATAL: z
    .enum(['reject', 'spool'])
    .default('reject')
    .describe('While neither store takes events: refuse new ones, or keep them in the log up to its size'),
  WEIR_INGEST_DISABLED: flag.prefault('false').describe('Kill switch: start with ingest switched off'),
  WEIR_INGEST_DEDUP_WINDOW: duration
    .prefault('24h')
    .describe('How long an event_id is remembered, by arrival'),
  WEIR_INGEST_DEDUP_MAX_IDS: whole(1).prefault('50000000').describe('Most event_ids remembered'),
  WEIR_DLQ_DEPTH_503_THRESHOLD: whole(1)
    .prefault('100000')
    .describe('Events among the dead letters above which /healthz says down'),

  WEIR_QUERY_MAX_EXECUTION_TIME: wait.prefault('60s').describe('Longest time of a query'),
  WEIR_QUERY_MAX_RESULT_ROWS: whole(1)
    .prefault('10000')
    .describe('Rows of a JSON answer; more are cut off and said to be'),
  WEIR_QUERY_MAX_RESULT_BYTES: size
    .prefault('256MiB')
    .describe('Bytes of a streamed answer; a JSON answer is cut off at a sixteenth of it'),
  WEIR_QUERY_MAX_MEMORY: size.prefault('1GiB').describe('Memory one query may take'),
  WEIR_QUERY_MAX_CONCURRENCY: whole(1)
    .prefault('4')
    .describe('Queries of one project at a time, less than the engine runs in any case; more wait'),
  WEIR_QUERY_QUEUE: whole(0, 1_000)
    .prefault('16')
    .describe('Queries of one project that wait for a place; more get 429 at_capacity'),
  WEIR_QUERY_QUEUE_WAIT: wait
    .prefault('5s')
    .describe('Longest wait of a query for a place; then 429 at_capacity'),
  WEIR_QUERY_SPOOL_BYTES: size
    .prefault('4GiB')
    .describe('Bytes on disk of all answers that clients take slowly; without room they are cut off'),
  WEIR_QUERY_SPOOL_BYTES_EACH: size.prefault('1GiB').describe('The same for the answers of one project'),
  WEIR_QUERY_STALL_TIMEOUT: wait
    .prefault('60s')
    .describe('Longest time in which a client takes nothing of its answer; then its connection ends'),
  WEIR_QUERY_MAX_BODY_BYTES: size.prefault('256KiB').describe('Largest query text'),

  WEIR_FEED_RETENTION: duration.prefault('24h').describe('How long the feed keeps an event'),
  WEIR_FEED_RETENTION_BYTES: size.prefault('1GiB').describe('Bytes of each project the feed keeps'),
  WEIR_FEED_MAX_BYTES: size
    .prefault('10GiB')
    .describe(
      'Largest size of the feed as a whole, 256MiB with the memory log; near it the projects with the most keep less',
    ),
  WEIR_FEED_GROUP_LEASE: wait
    .refine((ms) => ms >= 1_000, 'must be at least 1s')
    .prefault('30s')
    .describe('How long a member of a group has an event that it neither acknowledges nor extends'),
  WEIR_FEED_MAX_FOLLOWERS: whole(1)
    .prefault('100')
    .describe(
      'Connections of one project that follow the feed, event streams and WebSockets; more get 429 at_capacity',
    ),
  WEIR_FEED_MAX_SUBSCRIPTIONS: whole(1)
    .prefault('256')
    .describe(
      'Feed subscriptions of one project: its event streams, and all subscriptions of its WebSockets; more get 429 at_capacity',
    ),

  WEIR_CHANNEL_RETENTION: duration
    .prefault('1h')
    .describe('How long the channels of a process can be read after it ended'),
  WEIR_CHANNEL_MAX_BYTES: size
    .prefault('10GiB')
    .describe(
      'Largest size of all channels and streams; at it appends get 503 log_full, and before, 503 project_quota for a project with a quarter of it',
    ),
  WEIR_CHANNEL_MAX_BYTES_EACH: size
    .prefault('256MiB')
    .describe(
      'Bytes one channel keeps; this and what follows may differ for a project: `weir tenant limits`',
    ),
  WEIR_CHANNEL_MAX_MESSAGES: whole(1, 2_147_483_647)
    .prefault('10000')
    .describe('Messages one channel keeps; then it refuses more, or drops the oldest, as it was made'),
  WEIR_CHANNEL_MAX_MESSAGE_BYTES: size
    .refine((bytes) => bytes >= KIB && bytes <= 32 * KIB * KIB, 'must be from 1KiB to 32MiB')
    .prefault('10MiB')
    .describe('Bytes of one message, 32MiB at most; for a project it can only be less'),
  WEIR_CHANNEL_MAX_PER_PROCESS: whole(1, 1_000).prefault('100').describe('Channels of one process'),
  WEIR_CHANNEL_MAX_SUBSCRIBERS: whole(1)
    .prefault('10000')
    .describe(
      'Subscribers of all channels and streams of one project, long polls among them; more get 429 at_capacity',
    ),
  WEIR_CHANNEL_RATE_LIMIT: rateOrOff
    .prefault('100:500')
    .describe('Messages of each sender of a process: a second, and at once after a pause; or off'),
  WEIR_STREAM_LONG_POLL: duration
    .prefault('20s')
    .describe('How long a long poll of a stream waits for something, 30s at most where it is a channel'),

  WEIR_TOKEN_STALE: duration
    .prefault('24h')
    .describe('How long known credentials stand while PostgreSQL does not answer'),
  WEIR_SEAM_FAILURE: z
    .enum(['open', 'closed'])
    .default('open')
    .describe('What a rate limiter or entitlement that fails or takes over 50 ms means: admit, or refuse'),

  WEIR_RATE_LIMIT_INGEST: rate
    .optional()
    .describe(
      'Requests to ingest of each credential of a project: rps:burst, such as 100:200, or rps with a burst of twice that; unset is no limit',
    ),
  WEIR_RATE_LIMIT_QUERY: rate.optional().describe('The same for queries and schema'),
  WEIR_RATE_LIMIT_MCP: rate.optional().describe('The same for MCP tool calls'),

  WEIR_USAGE_ENABLED: flag.prefault('true').describe('Whether requests leave usage records'),
  WEIR_USAGE_SINKS: names
    .prefault('log,rollup')
    .describe(
      "Where usage records go, comma separated: log, rollup, file, clickhouse, http, or a wrapper's own",
    ),
  WEIR_USAGE_RETENTION: retention
    .prefault('7d:4GiB')
    .describe(
      'How long usage records wait for a sink that does not take them: age:size, whichever is passed first',
    ),
  WEIR_USAGE_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File of the sink `file`, one for each node; default usage/usage.ndjson in the data directory'),
  WEIR_USAGE_FILE_MAX_BYTES: size.prefault('64MiB').describe('Size at which that file is rotated'),
  WEIR_USAGE_FILE_KEEP: whole(1).prefault('10').describe('Rotated files kept; older ones are deleted'),
  WEIR_USAGE_HTTP_URL: httpUrl.optional().meta(secret).describe('Where the sink `http` sends CloudEvents'),
  WEIR_USAGE_HTTP_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of visible ASCII characters')
    .optional()
    .meta(secret)
    .describe('Bearer token it sends'),
  WEIR_USAGE_HTTP_BATCH: whole(1, 10_000).prefault('500').describe('Records it sends at once'),
  WEIR_USAGE_HTTP_TIMEOUT: wait.prefault('10s').describe('Longest time of one of its requests'),
  WEIR_NODE_ID: z
    .string()
    .regex(/^[\w.:-]{1,253}$/, 'must be letters, digits and . : _ -')
    .optional()
    .describe('Stable name of this node in usage records; default the host name'),

  WEIR_BOOTSTRAP: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether an empty installation gets a first project'),
  WEIR_BOOTSTRAP_PROJECT_ID: z.guid('must be a UUID').optional().describe('Id of the first project'),
  WEIR_BOOTSTRAP_INGEST_TOKEN: hex64('weir_pub_')
    .optional()
    .meta(secret)
    .describe('Ingest token of the first project'),
  WEIR_BOOTSTRAP_API_KEY: hex64('weir_sec_').optional().meta(secret).describe('API key of the first project'),
  WEIR_OPERATOR_KEY: hex64('weir_ops_')
    .optional()
    .meta(secret)
    .describe('Key of the operator routes; without it they are closed'),
});

/** The server's settings, parsed: durations in milliseconds, sizes in bytes. */
export type Config = z.output<typeof configSchema>;

/** A setting's name. */
export type ConfigName = keyof Config;

/** The description of a setting. */
export interface SettingInfo {
  readonly name: ConfigName;
  readonly description: string;
  /** As a user would write it; null if there is none. */
  readonly default: string | null;
  readonly secret: boolean;
}

/** All settings, in the order of the schema. */
export function settings(): SettingInfo[] {
  return Object.entries(configSchema.shape).map(([name, type]) => {
    const meta = type.meta();
    return {
      // The cast holds: these are the keys of the schema.
      name: name as ConfigName,
      description: meta?.description ?? '',
      default: 'defaultValue' in type.def ? String(type.def.defaultValue) : null,
      secret: meta?.secret === true,
    };
  });
}

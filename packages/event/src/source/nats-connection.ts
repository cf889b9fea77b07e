import {
  AuthorizationError,
  type ConnectionOptions,
  connect,
  type NatsConnection,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { Backoff, pause } from '@weir/base';
import { ConsumeError } from '../consume-error.js';

/** How long to retry a server that has never answered, which is more often a wrong address than an outage. */
const FIRST_ANSWER_MS = 5_000;

// Delay between reconnects: a tenth of the outage, within these bounds, in milliseconds.
const SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;

/** Ping interval; a dead server is detected after two intervals. */
const PING_MS = 10_000;

/** Options of {@link connectToNats}. */
export interface NatsAddress {
  /** Such as `nats://127.0.0.1:4222`; with `user:password@` or `token@` before the host, and `tls://` for TLS. */
  readonly servers: readonly string[];
  /** Current duration of the outage, in milliseconds. */
  readonly outageMs: () => number;
}

/**
 * Connects to one of the servers. The connection then reconnects by itself without a limit.
 *
 * @throws ConsumeError `network` if no server answers within 5 s, `auth` if a server refuses, `usage` for an invalid
 * address; the signal's reason once it has aborted.
 */
export async function connectToNats(address: NatsAddress, signal: AbortSignal): Promise<NatsConnection> {
  const options = optionsOf(address);
  const backoff = new Backoff({ firstMs: 100, longestMs: 1_000 });
  const giveUpAt = performance.now() + FIRST_ANSWER_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await unlessAborted(connect(options), signal);
    } catch (cause) {
      signal.throwIfAborted();
      const waitMs = backoff.next();
      if (!isRefusal(cause) && performance.now() + waitMs < giveUpAt) {
        await pause(waitMs, signal);
      } else throw natsFailure(cause, address.servers);
    }
  }
}

/** The error for a failed connection. */
export function natsFailure(cause: unknown, servers: readonly string[]): ConsumeError {
  const names = servers.map(withoutSecret).join(', ');
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (isRefusal(cause)) {
    return new ConsumeError('auth', 'nats_refused', `NATS at ${names} refuses the connection: ${reason}`, {
      param: 'servers',
      hint: 'Give its credentials in the address: nats://user:password@host:4222.',
      cause,
    });
  }
  return new ConsumeError('network', 'unreachable', `no NATS server at ${names}: ${reason}`, {
    param: 'servers',
    hint: 'Start it with "nats-server", or select another with -p servers=nats://HOST:4222.',
    cause,
  });
}

function optionsOf({ servers, outageMs }: NatsAddress): ConnectionOptions {
  const urls = servers.map(urlOf);
  const [{ username: user = '', password: pass = '' } = {}] = urls.filter(({ username }) => username !== '');
  const secret = { user: decodeURIComponent(user), pass: decodeURIComponent(pass) };
  return {
    servers: urls.map(({ host }) => host),
    name: 'weir event',
    timeout: FIRST_ANSWER_MS,
    pingInterval: PING_MS,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, outageMs() / 10)),
    ...(urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...(secret.user === '' ? {} : secret.pass === '' ? { token: secret.user } : secret),
  };
}

function urlOf(server: string): URL {
  const text = server.includes('://') ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^(nats|tls):$/.test(url.protocol) && url.host !== '') return url;
  throw new ConsumeError('usage', 'invalid_server', `${withoutSecret(server)} is not a valid NATS address.`, {
    param: 'servers',
    hint: 'Write -p servers=nats://127.0.0.1:4222.',
  });
}

/** Removes user, password and token from an address. */
export const withoutSecret = (server: string): string => server.replace(/^(.*:\/\/)?.*@/s, '$1');

const isRefusal = (error: unknown): boolean =>
  error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;

// If the signal aborts first, the late connection is closed.
async function unlessAborted(
  connecting: Promise<NatsConnection>,
  signal: AbortSignal,
): Promise<NatsConnection> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([connecting, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    if (signal.aborted) connecting.then((connection) => connection.close()).catch(() => {});
  }
}

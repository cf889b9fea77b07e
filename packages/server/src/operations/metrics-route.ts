import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { bearerOf } from '../http/bearer.js';
import { Problem } from '../http/problem.js';
import type { RemoteAddress } from '../http/remote-address.js';
import { surface } from '../http/surface.js';
import type { Metrics } from './metrics.js';

/**
 * GET /metrics, for Prometheus.
 * @param token required as a bearer credential; without one, only clients on loopback may read
 */
export function metricsRoute(
  web: FastifyInstance,
  metrics: Metrics,
  token: string | undefined,
  remoteAddress: RemoteAddress,
): void {
  web.get('/metrics', surface(null), async (request, reply) => {
    if (token !== undefined) {
      if (!isSame(bearerOf(request.raw), token)) {
        throw new Problem('unauthorized', 'metrics need the token of WEIR_METRICS_TOKEN', {
          headers: { 'www-authenticate': 'Bearer realm="weir"' },
        });
      }
    } else if (isForwarded(request.raw) || !isLoopback(remoteAddress(request.raw))) {
      throw new Problem(
        'forbidden',
        'metrics are for loopback only, without a proxy; set WEIR_METRICS_TOKEN to read them from elsewhere',
      );
    }
    return await reply.type(metrics.contentType).send(await metrics.text());
  });
}

/** Whether a proxy forwards for another client; that client may be remote even if the proxy is on this machine. */
function isForwarded({ headers }: IncomingMessage): boolean {
  return FORWARDING.some((name) => headers[name] !== undefined);
}

const FORWARDING = ['x-forwarded-for', 'forwarded', 'x-real-ip'] as const;

function isSame(given: string | null, wanted: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
